export { GraphQLClient } from "graphql-request";
export * from "./core/telemetry/index.js";
export * from "./core/common/errors/index.js";
export { connect, connection } from "./core/connect.js";
export { Context } from "./core/common/context.js";
export * from "./core/module/decorators.js";
export { entrypoint } from "./core/module/entrypoint/entrypoint.js";
