import { dag, type Directory } from '@dagger.io/dagger'

/** What each image may see, as paths in the repository (folders end with a slash): a change elsewhere does not build it again. */
export const IMAGE_SOURCES = {
  backend: ['docker/backend/', 'app/backend/'],
  frontend: ['docker/frontend/', 'app/frontend/'],
  database: ['docker/database/', 'app/backend/src/todo_chat/db/roles.sql'],
  tools: ['docker/tools/'],
  browser: ['docker/browser/'],
  rehearsal: ['docker/rehearsal/'],
} as const

const ROOT_PACKAGE = ['package.json', 'package-lock.json', '.npmrc']
const TYPESCRIPT = ['tsconfig.json', 'vitest.config.ts', 'eslint.config.js']

/** What each check of the root package may see. */
export const CHECK_SOURCES = {
  dependencies: ROOT_PACKAGE,
  pipeline: [...ROOT_PACKAGE, ...TYPESCRIPT, 'deploy/', 'dagger/', 'dagger.json', 'scripts/', 'offline/', 'tests/', 'docker/', 'manifests/', '.github/'],
  deployer: [...ROOT_PACKAGE, 'tsconfig.json', 'deploy/', 'manifests/'],
  conformance: [...ROOT_PACKAGE, ...TYPESCRIPT, 'deploy/', 'manifests/', 'tests/conformance/'],
  proofs: [...ROOT_PACKAGE, ...TYPESCRIPT, 'deploy/', 'manifests/', 'tests/conformance/', 'tests/faults/', 'tests/validate/'],
  database: [...ROOT_PACKAGE, 'tsconfig.json', 'vitest.config.ts', 'tests/database/'],
  validate: [...ROOT_PACKAGE, ...TYPESCRIPT, 'deploy/', 'tests/validate/', 'manifests/', 'docker/bases.json'],
  // What pages are made from, and what they lead to: not the page's own sources, which no page names.
  docs: [...ROOT_PACKAGE, ...TYPESCRIPT, '.ci/', '.github/', 'README.md', 'app/backend/', 'app/frontend/README.md', 'app/frontend/package.json', 'app/frontend/vite.config.ts', 'dagger.json', 'dagger/', 'deploy/', 'docker/', 'docs/', 'manifests/', 'offline/', 'scripts/', 'specs/', 'tests/'],
  files: ['docker/', 'scripts/', 'offline/', '.github/', '.ci/', 'app/backend/lock.sh'],
  rehearsal: [...ROOT_PACKAGE, 'tsconfig.json', 'deploy/', 'manifests/', 'tests/rehearsal/', 'tests/identity/'],
  load: [...ROOT_PACKAGE, 'tsconfig.json', 'deploy/', 'tests/load/'],
  e2e: [...ROOT_PACKAGE, 'tsconfig.json', 'vitest.config.ts', 'tests/e2e/', 'tests/identity/', 'tests/mcp-client/'],
  identity: [...ROOT_PACKAGE, 'tests/identity/'],
} as const

/**
 * The same folder, identified by what is in it. The engine identifies a default argument by the whole of it, and so also
 * everything that is made from a part: services are named after what they are made of, and a change in the page would run pytest
 * again. A folder that comes from the module's own working directory, and each part of it, has its content as its identity.
 */
export async function byContent(source: Directory): Promise<Directory> {
  await source.export('source', { wipe: true })
  return dag.currentModule().workdir('source')
}

/** @returns only the named files and folders of the repository */
export function only(source: Directory, paths: readonly string[]): Directory {
  return paths.reduce(
    (part, path) => (path.endsWith('/') ? part.withDirectory(path, source.directory(path)) : part.withFile(path, source.file(path))),
    dag.directory(),
  )
}
