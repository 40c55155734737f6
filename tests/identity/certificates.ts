/**
 * Makes a certificate authority that nobody else trusts, and a certificate for each host:
 * `tsx tests/identity/certificates.ts <folder> <host>…` writes `authority.pem`, `<host>.pem` and `<host>.key.pem`.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { generate } from 'selfsigned'

/** Long: they may come from a cache, and the keys never leave a test. */
const DAYS = 3650

export type Certificate = { cert: string; key: string }
export type Authority = { authority: string; hosts: Record<string, Certificate> }

/** @returns PEM texts; the authority's key is thrown away */
export async function certificatesFor(hosts: readonly string[]): Promise<Authority> {
  const notBeforeDate = new Date(Date.now() - 3_600_000)
  const shared = { algorithm: 'sha256', keyType: 'ec', notBeforeDate, notAfterDate: new Date(Date.now() + DAYS * 86_400_000) } as const
  const authority = await generate([{ name: 'commonName', value: 'Authority of a test' }], {
    ...shared,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const certificate = async (host: string): Promise<[string, Certificate]> => {
    const made = await generate([{ name: 'commonName', value: host }], {
      ...shared,
      ca: { key: authority.private, cert: authority.cert },
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: [/^[\d.]+$/.test(host) ? { type: 7, ip: host } : { type: 2, value: host }] },
      ],
    })
    return [host, { cert: made.cert, key: made.private }]
  }
  return { authority: authority.cert, hosts: Object.fromEntries(await Promise.all(hosts.map(certificate))) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, ...hosts] = process.argv.slice(2)
  if (folder === undefined || hosts.length === 0) throw new Error('usage: certificates.ts <folder> <host>…')
  const { authority, hosts: certificates } = await certificatesFor(hosts)
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'authority.pem'), authority)
  for (const [host, { cert, key }] of Object.entries(certificates)) {
    await writeFile(path.join(folder, `${host}.pem`), cert)
    await writeFile(path.join(folder, `${host}.key.pem`), key, { mode: 0o600 })
  }
}
