import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { kubeconfigFor, loadKubeconfig } from '../../../../deploy/src/cluster/kubeconfig.ts'
import { BadInput } from '../../../../deploy/src/errors.ts'
import { file, kubeconfig } from './_kubeconfig.ts'

/** A self-signed certificate that was good for one day of 2020; its key is not kept. */
const EXPIRED = `-----BEGIN CERTIFICATE-----
MIIBDDCBsgIBATAKBggqhkjOPQQDAjASMRAwDgYDVQQDDAdleHBpcmVkMB4XDTIw
MDEwMTAwMDAwMFoXDTIwMDEwMjAwMDAwMFowEjEQMA4GA1UEAwwHZXhwaXJlZDBZ
MBMGByqGSM49AgEGCCqGSM49AwEHA0IABK+LphCBtFt/GI6JsPEgnM2FrImHrPTQ
lMS+iXmT5hcDAmQnNPw72iBOZ3EukCxAQUxGPZyyUzcECw5m17Lw9RowCgYIKoZI
zj0EAwIDSQAwRgIhAJig+oOo3CiZvZmTG0ro9T7SsLG5xeWRscu48Lz1BwPvAiEA
3WVyr1ZwKSBa1fkVJ+kX5zsAgEmaOIKMVWuK1Juungs=
-----END CERTIFICATE-----
`

function key(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64')
}

describe('loadKubeconfig', () => {
  it.each([
    ['a file that is not there', () => '/does/not/exist', undefined, /cannot be read \(ENOENT\)/],
    ['no YAML', () => file('broken', '{ clusters: ['), undefined, /broken: is malformed/],
    ['something else', () => file('other', 'hello: world'), undefined, /other: (is malformed|has no context)/],
    ['an empty file', () => file('empty', '\n'), undefined, /kubeconfig .*empty: is empty/],
    ['base64 text', () => file('base64', `${Buffer.from('apiVersion: v1\nkind: Config\n').toString('base64').replaceAll(/(.{20})/g, '$1\n')}\n`), undefined, /base64: is base64 text/],
    ['a context that is not in it', () => kubeconfig('context', {}), 'y', /has no context y/],
    ['a certificate that is none', () => kubeconfig('nocert', { 'client-certificate-data': 'bm90IGEgY2VydA==', 'client-key-data': 'eA==' }), undefined, /its client certificate is malformed/],
    ['an expired certificate', () => kubeconfig('expired', { 'client-certificate-data': Buffer.from(EXPIRED).toString('base64'), 'client-key-data': key() }), undefined, /its client certificate expired on Jan {1,2}2 00:00:00 2020 GMT/],
  ])('refuses %s', (_name, path, context, message) => {
    expect(() => loadKubeconfig(path(), context)).toThrow(message)
    expect(() => loadKubeconfig(path(), context)).toThrow(BadInput)
  })
})

describe('another address of the server', () => {
  it.each([
    ['https://10.0.0.1:6443', 'https://kubernetes:7443'],
    ['https://10.0.0.1:6443/', 'https://kubernetes:7443'],
    ['https://[fd00::1]:6443', 'https://kubernetes:7443'],
    ['https://proxy.example.org/clusters/a', 'https://kubernetes:7443/clusters/a'],
  ])('replaces the origin of %s and keeps its path', (server, expected) => {
    expect(loadKubeconfig(kubeconfig('moved', { token: 'x' }, server), undefined, new URL('https://kubernetes:7443')).getCurrentCluster()?.server).toBe(expected)
  })
})

describe('a kubeconfig for the holder of a token', () => {
  it('is of the same cluster, and about one namespace', () => {
    const config = loadKubeconfig(kubeconfig('admin', { token: 'x' }, 'https://10.0.0.1:6443'))
    const made = loadKubeconfig(file('made', kubeconfigFor(config, 'deployer', 'a.b.c', 'todo-chat-prod')))
    expect(made.getCurrentCluster()).toMatchObject({ server: 'https://10.0.0.1:6443', skipTLSVerify: true })
    expect(made.getCurrentUser()).toMatchObject({ name: 'deployer', token: 'a.b.c' })
    expect(made.getContextObject(made.getCurrentContext())).toMatchObject({ namespace: 'todo-chat-prod' })
  })
})
