"""The dialect of the Vercel AI SDK: what its `useChat` reads and sends."""
