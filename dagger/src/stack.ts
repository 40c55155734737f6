import { dag, type Container, type Directory, type Secret, type Service } from '@dagger.io/dagger'
import { Bases } from './bases.ts'
import type { Identity } from './identity.ts'
import { image } from './images.ts'

/** What the agent runs with where nobody gives it a model's key. */
export const SCRIPTED_MODEL = 'scripted model in the place of a language model'

const ROLES = ['superuser', 'migrator', 'chat', 'tasks', 'mcp', 'backup']
const OWNER = '10001:10001'

// In a cluster a Job migrates. Here the backend's start does it: a step of its own would be answered from the cache, while the
// database is always a new one. There is no shell in the image.
const MIGRATE_THEN_SERVE = `import os, subprocess, sys
subprocess.run([sys.executable, "-m", "todo_chat.entrypoints.migrate"], check=True)
os.execv(sys.executable, [sys.executable, "-m", "todo_chat.entrypoints.backend"])`

/** What distinguishes one stack from another. The database lives as long as its stack. */
export type StackOptions = {
  /** Passwords of the database's roles (`<role>-password`) and the tokens' key (`jwt-key`), by name. */
  secrets: Record<string, Secret>
  /** People sign in through this provider, as in staging; without it the development login lets everybody in. */
  identity?: Identity
  /** How many backends run at the same time (default: one); the page talks to the first. */
  replicas?: number
}

/** @returns random secrets for a stack that nobody else reaches */
export async function randomSecrets(source: Directory, seed: string): Promise<Record<string, Secret>> {
  const names = [...ROLES.map((role) => `${role}-password`), 'jwt-key']
  const bases = await Bases.read(source)
  const values = await dag
    .container()
    .from(bases.address('NODE_IMAGE'))
    .withEnvVariable('SEED', seed)
    .withExec(['node', '-e', `const { randomBytes } = require("crypto"); for (const _ of Array(${names.length})) console.log(randomBytes(36).toString("base64url"))`])
    .stdout()
  const lines = values.trim().split('\n')
  return Object.fromEntries(names.map((name, index) => [name, dag.setSecret(`${name}-${seed}`, lines[index] ?? '')]))
}

/** @returns secrets of a stack that lives as long as a test: always the same, so that a passed test is found in the cache */
export function testSecrets(): Record<string, Secret> {
  const names = [...ROLES.map((role) => `${role}-password`), 'jwt-key']
  return Object.fromEntries(names.map((name) => [name, dag.setSecret(`test-${name}`, `only-for-a-stack-under-test-${name}`)]))
}

// Beside plain HTTP for probes: cookies of a session are for https only.
const TLS = (name: string): string => `listen 8443 ssl;
ssl_certificate /run/tls/${name}.pem;
ssl_certificate_key /run/tls/${name}.key.pem;
`

/** The whole application as services on one network, the schema migrated: the page answers at port 8080, behind an identity provider also by https at 8443. */
export async function stack(source: Directory, options: StackOptions): Promise<{ frontend: Service; backends: Service[]; mcp: Service }> {
  const secret = (container: Container, path: string, name: string): Container => {
    const value = options.secrets[name]
    if (value === undefined) throw new Error(`the stack needs a secret ${name}`)
    return container.withMountedSecret(path, value, { owner: OWNER, mode: 0o400 })
  }
  const password = (container: Container, role: string): Container => secret(container, `/run/secrets/todo-db/${role}-password`, `${role}-password`)
  const withDatabase = (container: Container, database: Service): Container => container.withServiceBinding('database', database).withEnvVariable('TODO_DATABASE_HOST', 'database').withEnvVariable('TODO_ENVIRONMENT', 'development')
  const asRole = (container: Container, role: string): Container =>
    password(container, role).withEnvVariable(`TODO_DATABASE_${role.toUpperCase()}_PASSWORD_FILE`, `/run/secrets/todo-db/${role}-password`).withEnvVariable(`TODO_DATABASE_${role.toUpperCase()}_USER`, `todo_${role}`)

  const database = ROLES.reduce(password, await image(source, 'database')).withExposedPort(5432).asService({ useEntrypoint: true })
  const backendImage = await image(source, 'backend')

  const mcp = secret(asRole(withDatabase(await image(source, 'mcp'), database), 'mcp'), '/run/secrets/todo-jwt/jwt-key', 'jwt-key')
    .withEnvVariable('TODO_JWT_KEY_FILE', '/run/secrets/todo-jwt/jwt-key')
    .withEnvVariable('TODO_MCP_ALLOWED_HOSTS', 'mcp:*')
    .withExposedPort(8002)
    .asService({ useEntrypoint: true })
  const agent = (await image(source, 'agent'))
    .withServiceBinding('mcp', mcp)
    .withEnvVariable('TODO_ENVIRONMENT', 'development')
    .withEnvVariable('TODO_MCP_URL', 'http://mcp:8002/mcp')
    .withExposedPort(8001)
    .asService({ useEntrypoint: true })
  const signIn = (backend: Container): Container => {
    const { identity } = options
    if (identity === undefined) return backend.withEnvVariable('TODO_DEV_LOGIN', 'true')
    return backend
      .withServiceBinding(identity.name, identity.provider)
      .withFile('/run/identity/authority.pem', identity.certificates.file('authority.pem'), { owner: OWNER })
      .withMountedSecret('/run/secrets/todo-oidc/oidc-client-secret', identity.clientSecret, { owner: OWNER, mode: 0o400 })
      .withEnvVariable('SSL_CERT_FILE', '/run/identity/authority.pem')
      .withEnvVariable('TODO_ENVIRONMENT', 'staging')
      .withEnvVariable('TODO_PUBLIC_URL', identity.publicUrl)
      .withEnvVariable('TODO_OIDC_ISSUER', identity.issuer)
      .withEnvVariable('TODO_OIDC_CLIENT_ID', identity.clientId)
      .withEnvVariable('TODO_OIDC_CLIENT_SECRET_FILE', '/run/secrets/todo-oidc/oidc-client-secret')
  }
  const replica = (index: number): Service =>
    signIn(secret(['migrator', 'chat', 'tasks'].reduce(asRole, withDatabase(backendImage, database)), '/run/secrets/todo-jwt/jwt-key', 'jwt-key'))
      .withServiceBinding('agent', agent)
      .withEnvVariable('TODO_JWT_KEY_FILE', '/run/secrets/todo-jwt/jwt-key')
      .withEnvVariable('TODO_AGENT_URL', 'http://agent:8001')
      // Two services that differ in nothing would be one.
      .withEnvVariable('REPLICA', String(index))
      .withExposedPort(8000)
      .asService({ args: ['python3', '-c', MIGRATE_THEN_SERVE] })
  const backends = Array.from({ length: options.replicas ?? 1 }, (_, index) => replica(index))
  const page = (await image(source, 'frontend'))
    .withServiceBinding('backend', replica(0))
    .withFile('/etc/nginx/conf.d/proxy.conf', source.file('docker/frontend/proxy.conf.example'))
    .withExposedPort(8080)
  const frontend = (options.identity === undefined ? page : withTls(page, options.identity)).asService({ useEntrypoint: true })
  return { frontend, backends, mcp }
}

function withTls(page: Container, { certificates, page: name }: Identity): Container {
  return page.withDirectory('/run/tls', certificates, { owner: OWNER }).withNewFile('/etc/nginx/conf.d/tls.conf', TLS(name)).withExposedPort(8443)
}
