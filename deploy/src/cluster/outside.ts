/** What the doctor asks outside the cluster: names, certificates, HTTP, PostgreSQL, registries. Every question is bounded; no rule is here. */
import { lookup } from 'node:dns/promises'
import { type PeerCertificate, connect as connectTls, rootCertificates } from 'node:tls'
import pg from 'pg'
import { Agent, request } from 'undici'
import { RegistryError, askForImage } from './registry.ts'

const TIMEOUT = 8_000

export interface Certificate {
  /** RFC 3339. */
  validTo: string
  /** Why it is not to be trusted under the name; absent when it is. */
  trouble?: string
}

export interface DatabaseAddress {
  host: string
  port: number
  database: string
  user: string
  password: string
  /** verify-full, or verify-ca, which does not ask for the name. */
  sslMode: string
  ca?: string
}

export interface DatabaseFacts {
  /** 170004 for 17.4. */
  version: number
  /** Whether the database is there; the first migration makes it. */
  exists: boolean
  /** What the role may do. */
  superuser: boolean
  createRole: boolean
  createDatabase: boolean
  /** Schemas, in the database that was asked for; false where that does not exist. */
  createSchema: boolean
}

/** Errors are the transport's, with a `code`. */
export interface Outside {
  /** @returns the addresses of a name */
  resolve(host: string): Promise<string[]>
  /** The certificate that a server shows for a name. */
  certificate(address: { host: string; port: number; servername: string; ca?: string }): Promise<Certificate>
  /** One GET. */
  get(url: string, options: { headers?: Record<string, string>; ca?: string }): Promise<{ status: number; body: string }>
  /** Signs in to PostgreSQL over TLS and asks for facts; changes nothing. */
  database(address: DatabaseAddress): Promise<DatabaseFacts>
  /**
   * Asks a registry for an image, as a node would before it pulls.
   * @param credentials of the form of a Docker configuration file
   * @returns what the registry said when it does not give the image; undefined when it does
   */
  image(reference: string, options: { credentials?: string; ca?: string }): Promise<string | undefined>
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NO_SUCH_DATABASE = '3D000'
/** Every server has it; the migration makes the application's database from there. */
const MAINTENANCE = 'postgres'

async function factsOf(config: pg.ClientConfig): Promise<Omit<DatabaseFacts, 'exists'>> {
  const client = new pg.Client(config)
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string; rolsuper: boolean; rolcreaterole: boolean; rolcreatedb: boolean; create: boolean }>(
      `select current_setting('server_version_num') as version, rolsuper, rolcreaterole, rolcreatedb, has_database_privilege(current_database(), 'CREATE') as create from pg_roles where rolname = current_user`,
    )
    const [row] = rows
    return { version: Number(row?.version), superuser: row?.rolsuper ?? false, createRole: row?.rolcreaterole ?? false, createDatabase: row?.rolcreatedb ?? false, createSchema: row?.create ?? false }
  } finally {
    await client.end().catch(() => undefined)
  }
}

export const realOutside: Outside = {
  async resolve(host) {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  },

  certificate({ host, port, servername, ca }) {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ host, port, servername, rejectUnauthorized: false, timeout: TIMEOUT, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) }, () => {
        const { valid_to }: PeerCertificate = socket.getPeerCertificate()
        const trouble = socket.authorized ? undefined : String(socket.authorizationError)
        socket.destroy()
        resolve({ validTo: new Date(valid_to).toISOString(), ...(trouble === undefined ? {} : { trouble }) })
      })
      socket.on('error', reject)
      socket.on('timeout', () => socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })))
    })
  },

  async get(url, { headers = {}, ca }) {
    const dispatcher = new Agent({ connect: { timeout: TIMEOUT, ...(ca === undefined ? {} : { ca }) } })
    try {
      const { statusCode, body } = await request(url, { dispatcher, headers, signal: AbortSignal.timeout(TIMEOUT) })
      return { status: statusCode, body: await body.text() }
    } finally {
      await dispatcher.close()
    }
  },

  async database({ sslMode, ca, database, ...address }) {
    const ssl = { ...(ca === undefined ? {} : { ca }), ...(sslMode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}) }
    const connect = { ...address, ssl, connectionTimeoutMillis: TIMEOUT, query_timeout: TIMEOUT }
    try {
      return { ...(await factsOf({ ...connect, database })), exists: true }
    } catch (error) {
      if ((error as { code?: unknown }).code !== NO_SUCH_DATABASE) throw error
      return { ...(await factsOf({ ...connect, database: MAINTENANCE })), exists: false, createSchema: false }
    }
  },

  async image(reference, { credentials = '{}', ca }) {
    try {
      await askForImage(reference, { credentials, ...(ca === undefined ? {} : { ca }) })
      return undefined
    } catch (error) {
      if (error instanceof RegistryError) return error.message
      throw error
    }
  },
}
