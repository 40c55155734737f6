import { dag, type Directory, type Secret, type Service } from '@dagger.io/dagger'
import { Bases } from './bases.ts'
import { dependencies } from './checks.ts'
import { CHECK_SOURCES, only } from './sources.ts'

/** What signs people in in the place of a real identity provider, for the reports. */
export const TEST_PROVIDER = 'oidc-provider with a login form that believes everybody, in the place of an identity provider'

const OWNER = '10001:10001'
const CLIENT_ID = 'todo-chat'

/** Names of the services, for those who are bound to them. */
const PAGE = 'todo-chat-staging'
const PROVIDER = 'identity'

/** An identity provider, and what a stack needs to sign people in with it. */
export type Identity = {
  /** Where browsers open the page. */
  publicUrl: string
  /** The service name of the page in `publicUrl`. */
  page: string
  issuer: string
  /** The service name of the provider in `issuer`. */
  name: string
  provider: Service
  clientId: string
  clientSecret: Secret
  /** `authority.pem`, and per service name `<name>.pem` and `<name>.key.pem`. */
  certificates: Directory
}

/** A provider with TLS from an authority of its own: staging and production take nothing less. */
export async function identity(source: Directory): Promise<Identity> {
  const publicUrl = `https://${PAGE}:8443`
  const issuer = `https://${PROVIDER}:4443`
  const clientSecret = dag.setSecret('test-oidc-client-secret', 'only-for-a-stack-under-test-oidc-client-secret')
  const node = dag
    .container()
    .from((await Bases.read(source)).address('NODE_IMAGE'))
    .withDirectory('/workspace', only(source, CHECK_SOURCES.identity))
    .withMountedDirectory('/workspace/node_modules', await dependencies(source))
    .withWorkdir('/workspace')
  const certificates = node.withExec(['node_modules/.bin/tsx', 'tests/identity/certificates.ts', '/certificates', PAGE, PROVIDER]).directory('/certificates')
  const provider = node
    .withDirectory('/run/tls', certificates, { owner: OWNER })
    .withMountedSecret('/run/secrets/client-secret', clientSecret, { owner: OWNER, mode: 0o400 })
    .withEnvVariable('ISSUER', issuer)
    .withEnvVariable('PORT', '4443')
    .withEnvVariable('CLIENT_ID', CLIENT_ID)
    .withEnvVariable('CLIENT_SECRET_FILE', '/run/secrets/client-secret')
    .withEnvVariable('REDIRECT_URIS', `${publicUrl}/api/auth/callback`)
    .withEnvVariable('TLS_CERT_FILE', `/run/tls/${PROVIDER}.pem`)
    .withEnvVariable('TLS_KEY_FILE', `/run/tls/${PROVIDER}.key.pem`)
    .withUser(OWNER)
    .withEnvVariable('HOME', '/tmp')
    .withExposedPort(4443)
    .asService({ args: ['node_modules/.bin/tsx', 'tests/identity/provider.ts'] })
  return { publicUrl, page: PAGE, issuer, name: PROVIDER, provider, clientId: CLIENT_ID, clientSecret, certificates }
}
