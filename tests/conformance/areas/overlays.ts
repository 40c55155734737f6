/** What a server says about the rendered manifests, without keeping them. */
import pMap from 'p-map'
import { describe } from '../../../deploy/src/errors.ts'
import type { KubeObject } from '../../../deploy/src/release/objects.ts'
import { nameOf, refOf } from '../../../deploy/src/release/objects.ts'
import { ENVIRONMENTS, type Environment, NAMESPACES } from '../../../deploy/src/release/render.ts'
import { podSpecs } from '../../../deploy/src/release/secrets.ts'
import { type Evidence, type Requirement, type RequirementId, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'
import type { World } from '../world.ts'

const IDS: Record<Environment, RequirementId> = { development: 'CONF-101', staging: 'CONF-102', production: 'CONF-103' }
const CONCURRENCY = 4

export const OVERLAYS: readonly Requirement[] = ENVIRONMENTS.map((environment) => ({
  id: IDS[environment],
  ring: 'manifest',
  title: `Server-side dry run of ${environment}`,
  must: `The API server MUST accept every object of the overlay ${environment}, and Pod Security MUST admit a pod of every template in it.`,
  why: 'schemas know fields; only a server knows its own defaults, validation and admission',
  source: 'https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run',
  needs: ['render'],
  lane: 'shared',
  timeoutMs: TIMEOUTS.probes,
  run: (world) => dryRun(world, environment),
}))

/** The overlay in the run's own namespace: that of staging or production need not exist here. */
export function moved(object: KubeObject, from: string, to: string): KubeObject {
  const copy = JSON.parse(JSON.stringify(object).replaceAll(`"namespace":"${from}"`, `"namespace":"${to}"`)) as KubeObject
  return copy.kind === 'Namespace' ? { ...copy, metadata: { ...copy.metadata, name: to } } : copy
}

/** A pod as the controller of `object` would make it. */
function podsOfTemplate(object: KubeObject, namespace: string): KubeObject[] {
  return podSpecs(object).map((spec) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name: `${object.metadata.name}-dry-run` },
    // Service accounts are only dry-run too, so the pod would name one that does not exist.
    spec: { ...spec, serviceAccountName: 'default', volumes: [...(spec.volumes ?? []), ...claimedVolumes(object)] },
  }))
}

/** A StatefulSet's controller adds a volume for each of its claim templates. */
function claimedVolumes(object: KubeObject): object[] {
  const { volumeClaimTemplates = [] } = object['spec'] as { volumeClaimTemplates?: { metadata: { name: string } }[] }
  return volumeClaimTemplates.map(({ metadata: { name } }) => ({ name, persistentVolumeClaim: { claimName: `${name}-dry-run` } }))
}

async function dryRun(world: World, environment: Environment): Promise<Evidence> {
  const rendered = await world.rendered(environment)
  demand(rendered.length > 0, 'the overlay renders to nothing')
  const objects = rendered.map(({ object }) => moved(object, NAMESPACES[environment], world.scratch))
  const pods = objects.flatMap((object) => podsOfTemplate(object, world.scratch))
  const faults = await pMap(
    [...objects, ...pods],
    async (object) => {
      try {
        await world.cluster.apply(object, { dryRun: true, force: true })
        return []
      } catch (error) {
        return [`${nameOf(refOf(object))}: ${describe(error)}`]
      }
    },
    { concurrency: CONCURRENCY, signal: world.signal },
  )
  demandNone(faults.flat(), 'refused')
  return { summary: `${objects.length} objects and ${pods.length} pods accepted` }
}
