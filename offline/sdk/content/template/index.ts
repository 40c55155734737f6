export * from "./core.js";
export * from "./client.gen.js";
