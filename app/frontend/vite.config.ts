import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { ReadableStream } from "node:stream/web";
import { defineConfig, type Plugin } from "vite";
import { StandInApi } from "./src/testing/stand-in-api.ts";

/** Where `npm run dev` finds the API. */
const BACKEND_URL = process.env["TODO_BACKEND_URL"] ?? "http://127.0.0.1:8000";

/** Answers `/api` from the in-memory stand-in (`npm run dev:stand-in`). */
function standIn(): Plugin {
  const api = new StandInApi();
  api.eventDelayMs = 40;
  return {
    name: "stand-in-api",
    configureServer(server) {
      server.middlewares.use("/api", (request, response, next) => {
        answer(api, request, response).catch(next);
      });
    },
  };
}

async function answer(api: StandInApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
  const body = await text(request);
  const init = { method: request.method ?? "GET", headers, ...(body === "" ? {} : { body }) };
  const answered = await api.fetch((request as { originalUrl?: string }).originalUrl ?? "/", init);
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  if (answered.body === null) response.end();
  else Readable.fromWeb(answered.body as ReadableStream<Uint8Array>).pipe(response);
}

export default defineConfig(({ mode }) => ({
  plugins: mode === "stand-in" ? [standIn()] : [],
  server: { proxy: mode === "stand-in" ? {} : { "/api": BACKEND_URL } },
  build: {
    // The page's security policy takes assets from its own origin only, none from data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
}));
