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
      server.middlewares.use("/api", async (request, response) => {
        const body = await text(request);
        const headers = new Headers();
        for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
        const init = { method: request.method ?? "GET", headers, ...(body === "" ? {} : { body }) };
        const answer = await api.fetch(request.originalUrl ?? "/", init);
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        if (answer.body === null) response.end();
        else Readable.fromWeb(answer.body as ReadableStream<Uint8Array>).pipe(response);
      });
    },
  };
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
