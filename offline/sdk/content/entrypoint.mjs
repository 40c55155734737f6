// Answers the engine's current function call of a prepared module. /sdk/prepare.mjs bundles this file with the module,
// its generated client and its scan; the names below are resolved there.
import * as library from "todo-chat:library";
import * as modules from "todo-chat:module";
import frozen from "todo-chat:scan";
import { reviveScan } from "./scan.mjs";

const { dag, connection, Executor, ExecError, GraphQLRequestError, invoke, Register } = library;

/** @param {unknown} cause the module's exception, as an error of the engine with a failed command's output kept */
function asEngineError(cause) {
  if (!(cause instanceof Error)) return dag.error(typeof cause === "string" ? cause : (JSON.stringify(cause) ?? String(cause)));
  const extensions = cause instanceof ExecError || cause instanceof GraphQLRequestError ? (cause.extensions ?? {}) : {};
  return Object.entries(extensions)
    .filter(([, value]) => value !== "" && value !== undefined && value !== null)
    .reduce((error, [key, value]) => error.withValue(key, JSON.stringify(value)), dag.error(cause.message));
}

await connection(async () => {
  const scan = reviveScan(library, frozen);
  const call = dag.currentFunctionCall();
  const [parentName, name, parent, inputs] = await Promise.all([call.parentName(), call.name(), call.parent(), call.inputArgs()]);
  /** @type {unknown} */
  let result;
  if (parentName === "") {
    result = await new Register(scan).run();
  } else {
    const entries = await Promise.all(inputs.map(async (arg) => [await arg.name(), JSON.parse(await arg.value())]));
    try {
      result = await invoke(new Executor(Object.values(modules), scan), scan, {
        parentName,
        fnName: name,
        parentArgs: JSON.parse(parent) ?? {},
        fnArgs: Object.fromEntries(entries),
      });
    } catch (cause) {
      process.exitCode = 1;
      await call.returnError(asEngineError(cause));
      return;
    }
  }
  await call.returnValue(JSON.stringify(result ?? null));
}, { LogOutput: process.stdout });
