import { TestEnvironment } from "jest-environment-jsdom";

/** The parts of the web platform that jsdom lacks and Node has. */
const FROM_NODE = [
  "Headers",
  "ReadableStream",
  "Response",
  "TextDecoder",
  "TextEncoder",
  "AbortController",
  "AbortSignal",
  "DOMException",
];

export default class BrowserEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of FROM_NODE) this.global[name] = globalThis[name];
  }
}
