/** A release goes in and comes back without a user noticing, and the same release changes nothing. */
import { systemClock } from '../../../deploy/src/_poll.ts'
import { nameOf, refOf } from '../../../deploy/src/release/objects.ts'
import { OVERLAYS } from '../../../deploy/src/release/gates.ts'
import { releaseArgs, runArgs, runDeployer } from '../deployer.ts'
import { deploymentRef } from '../kube.ts'
import { autoscaled, owned } from '../owned.ts'
import { type Evidence, type Requirement, demand, demandNone } from '../requirement.ts'
import { PAUSES, TIMEOUTS } from '../timeouts.ts'
import { demandNoFailure, finished, startTraffic } from '../traffic.ts'
import { REVISION_ANNOTATION, SCALED_TIERS, allSettled, annotate } from '../workloads.ts'
import type { World } from '../world.ts'

/** Names of the revisions that the Deployments run now. */
async function revisions({ cluster, namespace }: World): Promise<string[]> {
  const deployments = await Promise.all(SCALED_TIERS.map((tier) => cluster.get(deploymentRef(namespace, tier))))
  return deployments.map((deployment) => String(deployment?.metadata.annotations?.['deployment.kubernetes.io/revision']))
}

/** Every tier at once: the worst case for the one that the others call. */
async function rollUnderLoad(world: World, note: string, revision: string | null): Promise<Evidence> {
  await allSettled(world, SCALED_TIERS)
  const before = await revisions(world)
  await using load = await startTraffic(world.app(), 'sized', 'everything')
  await systemClock.sleep(PAUSES.margin, world.signal)
  await annotate(world, SCALED_TIERS, revision)
  await allSettled(world, SCALED_TIERS)
  const figures = await finished(load, world.signal)
  const after = await revisions(world)
  demandNone(SCALED_TIERS.filter((_, index) => before[index] === after[index]), 'not rolled')
  return demandNoFailure(figures, note)
}

export const ROLLOUT: readonly Requirement[] = [
  {
    id: 'CONF-300',
    ring: 'behaviour',
    title: 'Rolling update under load',
    must: 'A new revision of all four Deployments at once MUST replace every pod without one failed request: pages, reads, writes and chat turns.',
    why: 'a release in working hours must not be an event',
    source: 'design.md 7: availability is measured during every rollout; https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    run: (world) => rollUnderLoad(world, 'update of four Deployments', String(Date.now())),
  },
  {
    id: 'CONF-301',
    ring: 'behaviour',
    title: 'Rollback under load',
    must: 'Going back to the revision before MUST replace every pod without one failed request.',
    why: 'a rollback is done when users are hurt already',
    source: 'design.md 7; https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-back-a-deployment',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story * 2,
    async run(world) {
      const [deployment] = await Promise.all(SCALED_TIERS.map((tier) => world.cluster.get(deploymentRef(world.namespace, tier))))
      const template = (deployment?.['spec'] as { template: { metadata: { annotations?: Record<string, string> } } }).template
      // Alone, without the update before it, there would be nothing to go back from.
      if (template.metadata.annotations?.[REVISION_ANNOTATION] === undefined) {
        await annotate(world, SCALED_TIERS, String(Date.now()))
        await allSettled(world, SCALED_TIERS)
      }
      return rollUnderLoad(world, 'rollback of four Deployments', null)
    },
  },
  {
    id: 'CONF-302',
    ring: 'behaviour',
    title: 'The same release changes nothing',
    must: 'A plan of the running release MUST be empty, and deploying it again MUST leave what it owns of every one of its objects as it is.',
    why: 'a deployment that changes something each time cannot be reviewed, and restarts pods for nothing',
    source: 'design.md 7: server-side apply; issue: idempotent re-apply changes nothing',
    needs: ['application', 'render'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { settings, signal } = world
      const plan = await runDeployer(settings, ['plan', ...releaseArgs(settings)], signal)
      demand(plan.exitCode === 0, `plan ended with exit code ${plan.exitCode}: ${(plan.stdout + plan.stderr).trim().slice(0, 1500)}`)
      const before = await objectsOf(world)
      const run = await runDeployer(settings, ['deploy', ...releaseArgs(settings), ...runArgs(settings, undefined, 'deploy-again')], signal)
      demand(run.exitCode === 0, `deploy ended with exit code ${run.exitCode}: ${run.stderr.trim().slice(-600)}`)
      const { result } = JSON.parse(run.stdout) as { result: string }
      demand(result === 'unchanged', `deploy says ${result}`)
      const after = await objectsOf(world)
      demandNone([...before].filter(([name, spec]) => after.get(name) !== spec).map(([name]) => name), 'changed')
      return { summary: `plan: nothing to do; deploy: unchanged; ${before.size} objects as they were` }
    },
  },
]

/** What the release owns of each of its objects. */
async function objectsOf(world: World): Promise<Map<string, string>> {
  const release = (await world.rendered(OVERLAYS[world.settings.environment])).map(({ object }) => object)
  const scaled = autoscaled(release)
  return new Map(await Promise.all(release.map(async (object): Promise<[string, string]> => [nameOf(refOf(object)), owned(await world.cluster.get(refOf(object)), object, scaled)])))
}
