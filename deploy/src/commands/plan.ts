import { type CheckedInput, checkRelease } from './_checkrelease.ts'
import { imagesOf, withImages } from '../release/images.ts'
import { hasChanges } from '../plan/plan.ts'
import { type Release, type ReleaseInput, prepareRelease } from '../plan/prepare.ts'
import { type SavedPlan, savePlan } from '../plan/saved.ts'
import type { Context } from '../session.ts'

export interface PlanResult extends Release {
  /** To be written with `--out` and carried out with `deploy --plan`. */
  saved: SavedPlan
  /** 0 nothing to do, 1 something is in the way, 2 changes pending. */
  exitCode: 0 | 1 | 2
  /** What the person should know. */
  notes: string[]
}

/** What a release is made of, and what is asked about it before. */
export interface PlanInput extends Omit<ReleaseInput, keyof CheckedInput>, CheckedInput {}

/** Says what deploy would do, by server-side dry run. Writes nothing. */
export async function plan(context: Context, input: PlanInput): Promise<PlanResult> {
  const rendered = withImages(input.rendered, input.images)
  const objects = rendered.map(({ object }) => object)
  const { notes } = await checkRelease(context, input, rendered)
  const release = await prepareRelease(context.cluster, context.namespace, { ...input, rendered })
  const facts = {
    environment: context.environment,
    namespace: context.namespace,
    server: context.cluster.server,
    createdAt: new Date(context.clock.now()).toISOString(),
    images: imagesOf(objects),
    ...(context.commit === undefined ? {} : { commit: context.commit }),
  }
  const saved = savePlan(facts, release.plan, release.desired)
  const exitCode = release.plan.problems.length > 0 ? 1 : hasChanges(release.plan.operations) ? 2 : 0
  return { ...release, saved, exitCode, notes }
}
