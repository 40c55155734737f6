/** The reading of NetworkPolicies as a graph, on two pods. */
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../deploy/src/release/objects.ts'
import { allowedFlows } from '../../validate/policies/network.ts'

const pod = (name: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { template: { metadata: { labels: { app: name } }, spec: { containers: [] } } },
})
const policy = (name: string, spec: object): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name },
  spec: { podSelector: { matchLabels: { app: name } }, policyTypes: ['Ingress', 'Egress'], ...spec },
})
const peer = (name: string): object => ({ podSelector: { matchLabels: { app: name } } })
const ports = [{ protocol: 'TCP', port: 80 }]

const flows = (a: object, b: object): string[] => allowedFlows([pod('a'), pod('b'), policy('a', a), policy('b', b)])

describe('allowedFlows', () => {
  it.each<[string, object, object, string[]]>([
    ['is empty where nothing is allowed', {}, {}, []],
    ['needs both ends', { egress: [{ to: [peer('b')], ports }] }, { ingress: [{ from: [peer('a')], ports }] }, ['a → b TCP 80']],
    ['names a flow that may leave but not enter', { egress: [{ to: [peer('b')], ports }] }, {}, ['a → b TCP 80 (leaves, but may not enter)']],
    ['names a flow that may enter but not leave', {}, { ingress: [{ from: [peer('a')], ports }] }, ['a → b TCP 80 (may enter, but not leave)']],
    ['tells ports apart', { egress: [{ to: [peer('b')], ports }] }, { ingress: [{ from: [peer('a')], ports: [{ port: 81 }] }] }, ['a → b TCP 80 (leaves, but may not enter)', 'a → b TCP 81 (may enter, but not leave)']],
    ['takes an empty rule for anybody on every port', {}, { ingress: [{}] }, ['anybody → b every port']],
    ['takes an empty pod selector for every pod', { egress: [{ to: [{ podSelector: {} }], ports }] }, {}, ['a → a TCP 80 (leaves, but may not enter)', 'a → b TCP 80 (leaves, but may not enter)']],
    ['names the internet', { egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports }] }, {}, ['a → internet TCP 80']],
    ['shows a namespace that it does not know', { egress: [{ to: [{ namespaceSelector: {} }], ports }] }, {}, ['a → namespace {} TCP 80']],
    ['shows a range of ports', { egress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }], ports: [{ port: 1, endPort: 9 }] }] }, {}, ['a → addresses 192.0.2.0/24 TCP 1-9']],
  ])('%s', (_, a, b, expected) => {
    expect(flows(a, b).sort()).toEqual(expected.sort())
  })
})
