// A page for 26_use_chat.py: `npm create vite@latest chat -- --template react`, `npm install ai @ai-sdk/react`,
// this file as src/App.jsx, and in vite.config.js: server: { proxy: { '/api': 'http://127.0.0.1:8000' } }
import { useChat } from '@ai-sdk/react';

export default function App() {
  const { messages, sendMessage, stop, error } = useChat();
  const shown = part => part.text ?? (part.output && `(${part.type}: ${part.output}) `);
  return <form action={form => sendMessage({ text: form.get('text') })}>
    {messages.map(message => <p key={message.id}>{message.role}: {message.parts.map(shown)}</p>)}
    <p>{error?.message}</p>
    <input name="text" /> <button>Send</button> <button type="button" onClick={stop}>Stop</button>
  </form>;
}
