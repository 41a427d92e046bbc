// Uses a server as programs in JavaScript do, and writes what it has seen as one line of JSON.
// node use_ollama.mjs URL MODEL

import { Ollama } from 'ollama';

const [host, model] = process.argv.slice(-2);
const client = new Ollama({ host });
const few = { num_predict: 5, seed: 1 };
const messages = [{ role: 'user', content: 'Say hello.' }];
const seen = {};

async function all(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

async function failure(what) {
  try {
    await what();
    return null;
  } catch (error) {
    return { name: error.name, status: error.status_code ?? null, message: error.message };
  }
}

seen.chat = await client.chat({ model, messages, options: few });
seen.chatStream = await all(await client.chat({ model, messages, options: few, stream: true }));
seen.generate = await client.generate({ model, prompt: 'My name is Ada.', options: few });
seen.generateStream = await all(
  await client.generate({ model, prompt: 'And yours?', context: seen.generate.context, options: few, stream: true }),
);

const endless = { temperature: 0, repeat_penalty: 1 };
const left = await client.generate({ model, prompt: '1, 2, 3, 4,', raw: true, options: endless, stream: true });
seen.abortedParts = 0;
seen.aborted = await failure(async () => {
  for await (const part of left) {
    seen.abortedParts += part.done ? 1000 : 1;
    left.abort();
  }
});

const order = [];
async function read(name) {
  const options = { ...endless, num_predict: 20 };
  const stream = await new Ollama({ host }).generate({ model, prompt: '1, 2,', raw: true, options, stream: true });
  for await (const part of stream) order.push(part.done ? name.toUpperCase() : name);
}
await Promise.all([read('a'), read('b')]);
seen.order = order.join('');

seen.list = await client.list();
seen.show = await client.show({ model });
seen.ps = await client.ps();
seen.pull = await client.pull({ model });
seen.pullStream = await all(await client.pull({ model, stream: true }));
seen.version = await client.version();

const tool = { type: 'function', function: { name: 'look', description: '', parameters: {} } };
const image = 'iVBORw==';
seen.errors = {
  unknown: await failure(() => client.chat({ model: 'llama3.2', messages })),
  unknownStream: await failure(() => client.generate({ model: 'llama3.2', prompt: 'Hi', stream: true })),
  tools: await failure(() => client.chat({ model, messages, tools: [tool] })),
  images: await failure(() => client.generate({ model, prompt: 'Hi', images: [image] })),
  embed: await failure(() => client.embed({ model, input: 'Hi' })),
  embeddings: await failure(() => client.embeddings({ model, prompt: 'Hi' })),
  delete: await failure(() => client.delete({ model: 'llama3.2' })),
  create: await failure(() => client.create({ model: 'x', from: model })),
  pull: await failure(async () => all(await client.pull({ model: 'llama3.2', stream: true }))),
};

console.log(JSON.stringify(seen));
