// Vercel's AI SDK with its providers for the wires that are spoken here. `@ai-sdk/openai` speaks responses unless it is
// told otherwise; its chat model and the one for compatible providers speak chat completions.

import { PARAMETERS, PLAN, SAID, assert, checkPlan, collect, failureOf, versionOf } from './stage.mjs';

const CONNECT = {
  responses: ({ createOpenAI }, settings) => createOpenAI(settings),
  chat: ({ createOpenAI }, settings) => createOpenAI(settings),
  messages: ({ createAnthropic }, settings) => createAnthropic(settings),
  compatible: ({ createOpenAICompatible }, settings) =>
    createOpenAICompatible({ ...settings, name: 'tallygate', supportsStructuredOutputs: true, includeUsage: true }),
};

export async function open([name, provider, wire], { url, key, poorKey, models }) {
  const sdk = await import(name);
  const providers = await import(provider);
  const connect = (apiKey) => CONNECT[wire](providers, { baseURL: `${url}/v1`, apiKey });
  // Unless it is told otherwise, the provider for OpenAI speaks responses.
  const speak = (apiKey, model) => (wire === 'chat' ? connect(apiKey).chat(model) : connect(apiKey)(model));
  return {
    version: versionOf(name),
    sdk,
    wire,
    chat: speak(key, models.chat),
    think: speak(key, models.think),
    embed: models.embed && wire !== 'messages' ? connect(key).embeddingModel(models.embed) : null,
    poor: speak(poorKey, models.chat),
    stranger: speak('lx-nobody', models.chat),
  };
}

/** A tool that runs here, and how often it may. */
function weather({ tool, stepCountIs }) {
  const execute = ({ city, days }) => `rain in ${city} for ${days} days`;
  const tools = { get_weather: tool({ description: 'The weather.', inputSchema: PARAMETERS, execute }) };
  return { tools, stopWhen: stepCountIs(3) };
}

/** A conversation that goes on after an answer. */
function continued({ response }) {
  return [{ role: 'user', content: SAID }, ...response.messages, { role: 'user', content: 'go on' }];
}

/** The answer of a stream, once it is over; its errors are thrown. */
async function finish(streamed) {
  const parts = await collect(streamed.fullStream);
  const failed = parts.find((part) => part.type === 'error');
  if (failed) throw failed.error;
  const [text, reasoningText, usage, steps, output] = await Promise.all(
    ['text', 'reasoningText', 'usage', 'steps', 'output'].map((name) => streamed[name]),
  );
  return { text, reasoningText, usage, steps, output, parts, response: await streamed.response };
}

/** Both ways to ask for the same. */
async function askTwice({ sdk }, asked) {
  return [await sdk.generateText(asked), await finish(sdk.streamText({ ...asked, onError() {} }))];
}

export const scenarios = {
  async answer({ sdk, chat }) {
    const { text, finishReason } = await sdk.generateText({ model: chat, system: 'Be brief.', prompt: SAID });
    assert.ok(text.includes(SAID));
    assert.equal(finishReason, 'stop');
  },

  // What the model said goes back as a text. A stored one would be referred to: see below.
  async answer_in_a_second_turn({ sdk, chat }) {
    const unstored = { openai: { store: false } };
    const first = await sdk.generateText({ model: chat, prompt: SAID, providerOptions: unstored });
    const messages = continued(first);
    const { text } = await sdk.generateText({ model: chat, messages, providerOptions: unstored });
    assert.ok(text.includes('go on'));
  },

  // Unless it is told otherwise, the provider for responses sends the id of what the model said, and nothing else of it.
  async answer_by_reference({ sdk, chat }) {
    const messages = continued(await sdk.generateText({ model: chat, prompt: SAID }));
    const error = await failureOf(() => sdk.generateText({ model: chat, messages }));
    assert.ok(sdk.APICallError.isInstance(error), String(error));
    assert.equal(error.statusCode, 400);
    assert.ok(error.message.includes('`store: false`'), error.message);
  },

  async stream({ sdk, chat }) {
    const whole = await sdk.generateText({ model: chat, prompt: SAID });
    const { text, parts } = await finish(sdk.streamText({ model: chat, prompt: SAID }));
    assert.equal(text, whole.text);
    assert.ok(parts.filter((part) => part.type === 'text-delta').length > 1);
  },

  async tools(stage) {
    const asked = { model: stage.chat, prompt: SAID, ...weather(stage.sdk) };
    for (const { text, steps } of await askTwice(stage, asked)) {
      assert.deepEqual([steps.length, steps[0].toolCalls.length], [2, 1]);
      assert.ok(text.includes('rain in a b for 7 days'), text);
    }
  },

  // What a model thought before it called goes back with the call, or is referred to.
  async tools_after_a_thought(stage) {
    const asked = { model: stage.think, prompt: SAID, ...weather(stage.sdk) };
    for (const { text, steps } of await askTwice(stage, asked)) {
      assert.equal(steps.length, 2);
      assert.ok(text.includes('rain in a b for 7 days'), text);
    }
  },

  async structure(stage) {
    const output = stage.sdk.Output.object({ schema: PLAN });
    for (const answer of await askTwice(stage, { model: stage.chat, prompt: SAID, output })) checkPlan(answer.output);
  },

  // The official provider's chat model passes over what a model thought.
  async thinking(stage) {
    const asked = { model: stage.think, prompt: SAID };
    for (const { reasoningText, text } of await askTwice(stage, asked)) {
      assert.ok(text);
      assert.equal(Boolean(reasoningText), stage.wire !== 'chat');
    }
  },

  async embeddings({ sdk, embed }) {
    const { embeddings, usage } = await sdk.embedMany({ model: embed, values: ['one', 'two words'] });
    assert.deepEqual([embeddings.length, embeddings[1].length, usage.tokens], [2, 8, 3]);
    const { embedding } = await sdk.embed({ model: embed, value: 'one' });
    assert.deepEqual(embedding, embeddings[0]);
  },

  async usage(stage) {
    for (const { usage } of await askTwice(stage, { model: stage.chat, prompt: SAID })) {
      assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    }
  },

  // Any error that may pass is tried again, and then is of another class.
  async error_401(stage) {
    await checkRefused(stage, stage.stranger, 401);
  },

  async error_402(stage) {
    await checkRefused(stage, stage.poor, 402);
  },
};

async function checkRefused({ sdk }, model, status) {
  const asking = [
    () => sdk.generateText({ model, prompt: SAID }),
    () => finish(sdk.streamText({ model, prompt: SAID, onError() {} })),
  ];
  for (const ask of asking) {
    const error = await failureOf(ask);
    assert.ok(sdk.APICallError.isInstance(error), String(error));
    assert.deepEqual([error.statusCode, error.isRetryable], [status, false]);
  }
}
