/** The application's workloads, and how the suite replaces their pods. */
import { deploymentRef, settled } from './kube.ts'
import type { World } from './world.ts'

/** Deployments with an autoscaler, in the order of their rollout. */
export const SCALED_TIERS = ['mcp', 'agent', 'backend', 'frontend'] as const
export type ScaledTier = (typeof SCALED_TIERS)[number]

/** Annotation of the pod template: a new value makes a new revision, removing it brings the old one back. */
export const REVISION_ANNOTATION = 'todo-chat.conformance/revision'

/** Writes the annotation into the templates of the tiers at the same moment. `null` removes it. */
export async function annotate({ kube, namespace }: World, tiers: readonly ScaledTier[], value: string | null): Promise<void> {
  await Promise.all(tiers.map((tier) => kube.patch(deploymentRef(namespace, tier), { spec: { template: { metadata: { annotations: { [REVISION_ANNOTATION]: value } } } } })))
}

export async function allSettled({ cluster, namespace, signal }: World, tiers: readonly ScaledTier[]): Promise<void> {
  await Promise.all(tiers.map((tier) => settled(cluster, namespace, tier, signal)))
}

/** Replaces every pod of the tiers by a rolling update, and waits for its end. */
export async function restart(world: World, tiers: readonly ScaledTier[]): Promise<void> {
  await annotate(world, tiers, String(Date.now()))
  await allSettled(world, tiers)
}
