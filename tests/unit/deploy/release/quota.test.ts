import { describe, expect, it } from 'vitest'
import { BadInput } from '../../../../deploy/src/errors.ts'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { checkQuota } from '../../../../deploy/src/release/quota.ts'

const RESOURCES = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1', memory: '64Mi' } }

function objects(hard: Record<string, string>, maxReplicas = 3, maxSurge: number | string = 2): KubeObject[] {
  const pod = { spec: { containers: [{ name: 'a', image: 'a:1', resources: RESOURCES }] } }
  return [
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'todo-chat' }, spec: { hard } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { strategy: { rollingUpdate: { maxSurge } }, template: pod } },
    { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'web' }, spec: { scaleTargetRef: { name: 'web' }, maxReplicas } },
    { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'migrate' }, spec: { template: pod } },
  ]
}

describe('the quota', () => {
  // Three pods, two of a rollout, one of the Job.
  it.each([
    ['that is just large enough', { pods: '6', 'requests.cpu': '600m', 'limits.cpu': '6', 'requests.memory': '384Mi', services: '0' }],
    ['without a bound for pods', {}],
  ])('%s has room', (_name, hard) => {
    expect(() => checkQuota(objects(hard as Record<string, string>))).not.toThrow()
  })

  it.each([
    ['pods', { pods: '5' }, /pods: at most 6 needed, the quota has 5/],
    ['processor time', { 'requests.cpu': '599m' }, /requests.cpu: at most 0.6 needed, the quota has 599m/],
    ['memory', { 'limits.memory': '383Mi' }, /limits.memory: at most 402653184 needed/],
  ])('that is short of %s is refused', (_name, hard, message) => {
    expect(() => checkQuota(objects(hard as Record<string, string>))).toThrow(message)
    expect(() => checkQuota(objects(hard as Record<string, string>))).toThrow(BadInput)
  })

  it('counts the autoscaler at its maximum, and a surge in percent', () => {
    expect(() => checkQuota(objects({ pods: '6' }, 4))).toThrow(/pods: at most 7 needed/)
    expect(() => checkQuota(objects({ pods: '6' }, 4, '50%'))).toThrow(/pods: at most 7 needed/)
  })
})
