import { defineConfig } from 'vitest/config'

/** One project per ring of tests; each is run by name: `npx vitest run --project unit`. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['tests/unit/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { name: 'launcher', include: ['tests/launcher/**/*.test.ts'], globalSetup: ['tests/launcher/fixtures/builds.ts'], testTimeout: 60_000, hookTimeout: 60_000 } },
      // Calls the module through the launcher: needs no more than the README asks for.
      { test: { name: 'pipeline', include: ['tests/pipeline/**/*.test.ts'], fileParallelism: false, testTimeout: 2_400_000, hookTimeout: 2_400_000, sequence: { groupOrder: 1 } } },
      // Needs the tools of docker/tools on the PATH and SCHEMAS_DIR.
      { test: { name: 'validate', include: ['tests/validate/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 } },
      // Needs a running tool server: TODO_MCP_ENDPOINT and TODO_MCP_TOKEN.
      { test: { name: 'mcp-client', include: ['tests/mcp-client/**/*.test.ts'], testTimeout: 30_000 } },
      // Needs to run in an image of docker/database, with passwords of its roles.
      { test: { name: 'database', include: ['tests/database/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 90_000 } },
      // Needs KUBECONFIG; each requirement has a limit of its own.
      { test: { name: 'conformance', include: ['tests/conformance/suite.test.ts'], maxConcurrency: 6, teardownTimeout: 60_000 } },
      // The suite itself: each change for the worse turns its requirement red. Minutes; changes the application of the cluster and puts it back.
      { test: { name: 'conformance-mutations', include: ['tests/conformance/mutations/*.test.ts'], fileParallelism: false, teardownTimeout: 60_000 } },
      { test: { name: 'faults', include: ['tests/faults/**/*.test.ts'], fileParallelism: false, testTimeout: 600_000, hookTimeout: 600_000 } },
    ],
  },
})
