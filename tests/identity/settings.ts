/** Everything that the identity provider takes from its environment. */
import { readFileSync } from 'node:fs'

export type ProviderSettings = {
  port: number
  /** What the provider calls itself, to the letter; also where browsers and the backend reach it. */
  issuer: string
  clientId: string
  /** Undefined for a public client. */
  clientSecret: string | undefined
  redirectUris: string[]
  /** PEM; undefined where something in front ends TLS, or where there is none. */
  tls: { key: string; cert: string } | undefined
}

/** @throws {Error} naming every variable that is missing or wrong */
export function readSettings(env: NodeJS.ProcessEnv): ProviderSettings {
  const problems: string[] = []
  const required = (name: string): string => {
    const value = env[name]?.trim() ?? ''
    if (value === '') problems.push(`${name} is not set`)
    return value
  }
  const url = (name: string, value: string): void => {
    if (value !== '' && !/^https?:\/\/[^/]/.test(value)) problems.push(`${name} has to be an http or https URL, not ${value}`)
  }

  const issuer = required('ISSUER')
  url('ISSUER', issuer)
  const clientId = required('CLIENT_ID')
  const redirectUris = required('REDIRECT_URIS').split(',').map((uri) => uri.trim()).filter((uri) => uri !== '')
  for (const uri of redirectUris) url('REDIRECT_URIS', uri)
  const port = Number(env['PORT'] ?? '4000')
  if (!Number.isInteger(port) || port < 0 || port > 65_535) problems.push(`PORT has to be a port, not ${env['PORT'] ?? ''}`)
  const [key, cert] = [env['TLS_KEY_FILE'], env['TLS_CERT_FILE']]
  if ((key === undefined) !== (cert === undefined)) problems.push('TLS_KEY_FILE and TLS_CERT_FILE belong together')
  if (problems.length > 0) throw new Error(`the identity provider cannot start: ${problems.join('; ')}`)

  return {
    port,
    issuer,
    clientId,
    clientSecret: env['CLIENT_SECRET_FILE'] === undefined ? env['CLIENT_SECRET'] : readFileSync(env['CLIENT_SECRET_FILE'], 'utf8').trim(),
    redirectUris,
    tls: key === undefined || cert === undefined ? undefined : { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') },
  }
}
