import { dag, type Directory } from '@dagger.io/dagger'

/** What each image may see, as paths in the repository: a change elsewhere does not build it again. */
export const IMAGE_SOURCES = {
  backend: ['docker/backend', 'app/backend'],
  frontend: ['docker/frontend', 'app/frontend'],
  database: ['docker/database', 'app/backend/src/todo_chat/db/roles.sql'],
  tools: ['docker/tools'],
  browser: ['docker/browser'],
} as const

const ROOT_PACKAGE = ['package.json', 'package-lock.json', '.npmrc']
const TYPESCRIPT = ['tsconfig.json', 'vitest.config.ts', 'eslint.config.js']

/** What each check of the root package may see. */
export const CHECK_SOURCES = {
  dependencies: ROOT_PACKAGE,
  pipeline: [...ROOT_PACKAGE, ...TYPESCRIPT, 'deploy', 'dagger', 'dagger.json', 'scripts', 'offline', 'tests', 'docker', 'manifests', '.github'],
  deployer: [...ROOT_PACKAGE, 'tsconfig.json', 'deploy', 'manifests'],
  conformance: [...ROOT_PACKAGE, ...TYPESCRIPT, 'deploy', 'manifests', 'tests/conformance', 'tests/mcp-client', 'tests/faults', 'tests/fixtures', 'tests/fakes'],
  validate: [...ROOT_PACKAGE, ...TYPESCRIPT, 'deploy', 'tests/validate', 'manifests', 'docker/bases.json'],
  files: ['docker', 'scripts', 'offline', '.github', '.ci', 'app/backend/lock.sh'],
  e2e: [...ROOT_PACKAGE, 'tsconfig.json', 'vitest.config.ts', 'tests/e2e', 'tests/mcp-client'],
} as const

/** @returns only the named files and folders of the repository */
export function only(source: Directory, paths: readonly string[]): Directory {
  const include = paths.flatMap((path) => [path, `${path}/**`])
  return dag.directory().withDirectory('/', source, { include })
}
