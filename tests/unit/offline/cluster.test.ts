import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { KUBERNETES_VERSION, PROGRAMS } from '../../../offline/cluster/binaries.mjs'
import { PLACES } from '../../../offline/cluster/build.mjs'

const read = (path: string): string => readFileSync(new URL(`../../../offline/cluster/${path}`, import.meta.url), 'utf8')

describe('the offline node image', () => {
  it('places every program it builds, but the one that goes into the image of its pods', () => {
    expect(Object.keys(PLACES).sort()).toEqual(PROGRAMS.map(({ name }) => name).filter((name) => name !== 'pod-helper').sort())
  })

  it('places programs where the entry point looks for them', () => {
    const paths = read('internal/server/paths.go')
    for (const name of ['containerd', 'containerd-shim-runc-v2'] as const) expect(paths).toContain(`"/${PLACES[name]}/${name}"`)
    for (const name of ['coredns', 'metrics-server', 'local-path-provisioner', 'traefik'] as const) expect(paths).toContain(`"/${PLACES[name]}"`)
  })

  it.each(['coredns', 'metrics-server', 'traefik', 'local-storage'])('%s starts a program that is in the image', (addon) => {
    const command = /command: \[\/programs\/([\w-]+)\]/.exec(read(`internal/addons/manifests/${addon}.yaml`))?.[1]
    expect(PLACES).toHaveProperty([command ?? 'no command'], PLACES.coredns)
  })

  // A pod without a request gets next to nothing of a busy processor.
  it.each(['coredns', 'metrics-server', 'traefik'])('%s asks for processor time', (addon) => {
    expect(read(`internal/addons/manifests/${addon}.yaml`)).toMatch(/^ {10}resources:\n {12}requests: {cpu: \d+m, /m)
  })

  it('holds one version of every Kubernetes library, that of Kubernetes itself', () => {
    const versions = [...read('go.mod').matchAll(/^\tk8s\.io\/[\w-]+ => k8s\.io\/[\w-]+ (\S+)$/gm)].map(([, version]) => version)
    expect(versions.length).toBeGreaterThan(30)
    expect(new Set(versions)).toEqual(new Set([KUBERNETES_VERSION.replace(/^v1/, 'v0')]))
  })

  it('is documented with the versions of go.mod', () => {
    const rows = [...read('README.md').matchAll(/^\| .* \| (v\S+) \| `(\S+)` \|$/gm)].map(([, version, module]) => `${module} ${version}`)
    expect(rows).toHaveLength(8)
    for (const row of rows) expect(read('go.mod')).toContain(`\t${row}`)
  })
})
