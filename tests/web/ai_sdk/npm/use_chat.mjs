// Uses chats as a page with `useChat` does: reads commands as lines of JSON, and writes what the chat became.
// {"sdk": "ai7", "api": URL, "do": "send", "text": "Hi", ...}; the commands are the functions below.

import { createInterface } from 'node:readline';

const sdks = {};

async function chatOf({ sdk, api, id = 'chat', messages = [] }) {
  const ai = (sdks[sdk] ??= await import(sdk));

  // What the hook of @ai-sdk/react adds to `AbstractChat` is a state that React can watch.
  const state = {
    status: 'ready',
    error: undefined,
    messages: structuredClone(messages),
    pushMessage(message) {
      this.messages.push(message);
    },
    popMessage() {
      this.messages.pop();
    },
    replaceMessage(index, message) {
      this.messages[index] = message;
      this.watch?.(message);
    },
    snapshot: value => structuredClone(value),
  };
  class Chat extends ai.AbstractChat {}
  const data = [];
  const calls = [];
  const chat = new Chat({
    id,
    state,
    transport: new ai.DefaultChatTransport({ api }),
    generateId: ai.generateId,
    onData: part => data.push(structuredClone(part)), // it changes when its successor arrives
    onToolCall: ({ toolCall }) => void calls.push(toolCall.toolName),
  });
  const result = () => ({
    status: chat.status,
    error: chat.error?.message,
    messages: chat.messages,
    data,
    calls,
  });
  return { ai, chat, state, result };
}

const commands = {
  // Sends a text (and files), and reads the answer to its end.
  async send(command) {
    const { chat, result } = await chatOf(command);
    await chat.sendMessage({ text: command.text, files: command.files });
    return result();
  },

  // Sends a text, and stops once the answer has some characters.
  async stop(command) {
    const { chat, state, result } = await chatOf(command);
    state.watch = message => {
      const text = message.parts.find(part => part.type === 'text')?.text ?? '';
      if (text.length >= command.after) chat.stop();
    };
    await chat.sendMessage({ text: command.text });
    return result();
  },

  // Sends a text, and gives the result of the tool that the answer calls: a tool that runs in the page.
  async answer_tool(command) {
    const { chat, result } = await chatOf(command);
    await chat.sendMessage({ text: command.text });
    const { toolCallId } = chat.messages.at(-1).parts.findLast(part => part.state === 'input-available');
    const add = chat.addToolOutput ?? chat.addToolResult;
    await add({ tool: command.tool, toolCallId, output: command.output });
    await chat.sendMessage();
    return result();
  },

  // Asks the last question again.
  async regenerate(command) {
    const { chat, result } = await chatOf(command);
    await chat.regenerate();
    return result();
  },

  // Goes on with the answer that runs, as a page does after a reload.
  async resume(command) {
    const { chat, result } = await chatOf(command);
    await chat.resumeStream();
    return result();
  },

  // Reads a stream without a chat.
  async read(command) {
    const { ai } = await chatOf(command);
    const transport = new ai.DefaultChatTransport({ api: command.api });
    const question = { id: 'q', role: 'user', parts: [{ type: 'text', text: command.text }] };
    const stream = await transport.sendMessages({
      chatId: 'chat',
      messages: [question],
      trigger: 'submit-message',
    });
    const errors = [];
    let message;
    let states = 0;
    for await (message of ai.readUIMessageStream({ stream, onError: error => errors.push(error.message) })) {
      states += 1;
    }
    return { message, states, errors };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = await commands[command.do](command);
  } catch (error) {
    answer = { failed: String(error?.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
