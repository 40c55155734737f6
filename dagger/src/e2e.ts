import { type Directory } from '@dagger.io/dagger'
import { type Check, dependencies } from './checks.ts'
import { identity, TEST_PROVIDER } from './identity.ts'
import { build, DEPLOYED, image } from './images.ts'
import { CHECK_SOURCES, only } from './sources.ts'
import { SCRIPTED_MODEL, stack, testSecrets } from './stack.ts'

// The development login of the stack under test gives a token for the tool server too.
const LOGIN = 'fetch(process.env.E2E_BASE_URL + "/api/login", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ user_id: "mcp-client" }) }).then((answer) => answer.json()).then(({ token }) => console.log(token))'

const OWNER = '10001:10001'

/** The page in headless Chromium and the tool server's official client, against the built images. */
export function e2eCheck(source: Directory): Check {
  return {
    name: 'test-e2e',
    title: 'headless Chromium and MCP client against the built images',
    alone: true,
    prepare: () => build(source, [...DEPLOYED, 'browser']),
    container: async () => {
      const provider = await identity(source)
      const { frontend, mcp } = await stack(source, { secrets: testSecrets() })
      const behindProvider = await stack(source, { secrets: testSecrets(), identity: provider })
      return (await image(source, 'browser'))
        .withDirectory('/workspace', only(source, CHECK_SOURCES.e2e), { owner: OWNER })
        .withMountedDirectory('/workspace/node_modules', await dependencies(source))
        .withServiceBinding('todo-chat', frontend)
        .withServiceBinding('mcp', mcp)
        .withServiceBinding(provider.page, behindProvider.frontend)
        .withServiceBinding(provider.name, provider.provider)
        .withFile('/run/identity/authority.pem', provider.certificates.file('authority.pem'), { owner: OWNER })
        .withEnvVariable('NODE_EXTRA_CA_CERTS', '/run/identity/authority.pem')
        .withEnvVariable('E2E_SIGN_IN_URL', provider.publicUrl)
        .withEnvVariable('E2E_BASE_URL', 'http://todo-chat:8080')
        .withEnvVariable('E2E_REPORT_DIR', '/tmp/report')
        .withEnvVariable('TODO_MCP_ENDPOINT', 'http://mcp:8002/mcp')
    },
    standIns: async () => [SCRIPTED_MODEL, TEST_PROVIDER],
    command: `npx vitest run --config tests/e2e/vitest.config.ts && TODO_MCP_TOKEN=$(node -e '${LOGIN}') npx vitest run --project mcp-client`,
  }
}
