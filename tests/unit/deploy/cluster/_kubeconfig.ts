/** Kubeconfigs in a folder of this test's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const FOLDER = mkdtempSync(join(tmpdir(), 'cluster-test-'))

afterAll(() => rmSync(FOLDER, { recursive: true }))

export function file(name: string, text: string): string {
  const path = join(FOLDER, name)
  writeFileSync(path, text)
  return path
}

export function kubeconfig(name: string, user: object, server = 'https://127.0.0.1:1'): string {
  return file(
    name,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  )
}
