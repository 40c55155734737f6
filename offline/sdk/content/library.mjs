// What the SDK image needs of the npm package, beyond its public names: the parts that scan a module, register its
// types and invoke its functions. Bundled once when the image is built (../images.mjs).
export * from "@dagger.io/dagger";
export * from "./client.gen.js";
export { AST } from "@dagger.io/dagger/internal/module/introspector/typescript_module/index.js";
export * as scanned from "@dagger.io/dagger/internal/module/introspector/dagger_module/index.js";
export { DaggerEnumValue } from "@dagger.io/dagger/internal/module/introspector/dagger_module/enum.js";
export { DaggerEnumClassValue } from "@dagger.io/dagger/internal/module/introspector/dagger_module/enumClass.js";
export { DaggerInterfaceFunction } from "@dagger.io/dagger/internal/module/introspector/dagger_module/interfaceFunction.js";
export { DaggerObjectTypeProperty } from "@dagger.io/dagger/internal/module/introspector/dagger_module/typeObjectProperty.js";
export { DaggerProperty } from "@dagger.io/dagger/internal/module/introspector/dagger_module/property.js";
export { convertToPascalCase } from "@dagger.io/dagger/internal/module/introspector/case_convertor.js";
export { Executor } from "@dagger.io/dagger/internal/module/executor.js";
export { invoke } from "@dagger.io/dagger/internal/module/entrypoint/invoke.js";
export { Register } from "@dagger.io/dagger/internal/module/entrypoint/register.js";
