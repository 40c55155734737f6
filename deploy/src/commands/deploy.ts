import { uidsOf } from '../rollout/apply.ts'
import type { Budget } from '../proof/availability.ts'
import { backupCronJob, runBackup } from '../database/backup.ts'
import { isDatabase } from '../release/databaseparts.ts'
import { type IngressAddress, type OpenEntrances, openEntrances } from '../proof/entrances.ts'
import { DeployError, describe } from '../errors.ts'
import { foreignFields, foreignText } from '../cluster/foreign.ts'
import { type Revision, beginRevision, currentRevision, readNewestGood, trimHistory } from '../cluster/history.ts'
import { imagesOf, withImages } from '../release/images.ts'
import { entriesOf, union, writeInventory } from '../cluster/inventory.ts'
import { type Measurement, startMeasurement } from '../proof/measure.ts'
import { type KubeObject, keyOf, nameOf, refOf } from '../release/objects.ts'
import { hasChanges } from '../plan/plan.ts'
import { policyNote } from '../release/policy.ts'
import { type Release, prepareRelease, refuseProblems } from '../plan/prepare.ts'
import { type RunReport, type RunResult, countLine } from '../report/report.ts'
import { rollBack, secretValues, withPresentSecrets, withoutForeignSecrets } from '../rollout/rollback.ts'
import { type BrokenBefore, type RolloutInput, type RolloutResult, appliedFrom, confirm, rollout } from '../rollout/rollout.ts'
import { phase, policyOf } from '../rollout/run.ts'
import { checkRelease } from './_checkrelease.ts'
import type { PlanInput } from './plan.ts'
import { type End, addFigures, ended, finishRecord, interruptedBy, newRecord } from './_recorded.ts'
import { type SavedPlan, checkAgainst, checkPlace } from '../plan/saved.ts'
import { type Context, type Session, type SessionOptions, ensureNamespace, newReport, openSession, removeNamespace } from '../session.ts'
import { proberFor } from '../proof/prober.ts'
import { type Check, verify } from '../proof/verify.ts'
import { readWorkloads } from '../rollout/workloads.ts'

export interface DeployInput extends PlanInput, SessionOptions {
  /** A reviewed plan: its objects are used, and it must still be true. */
  savedPlan?: SavedPlan
  ingress?: IngressAddress
  /** Requests a second of the availability measurement; 0 for none. */
  rate: number
  soakMs: number
  /** How many requests may fail during the rollout. @default any number */
  maxFailed?: Budget
  /** Back up before a migration. */
  backup: boolean
  /** Bring the last good revision back after a failure. */
  rollBack: boolean
}

/**
 * Puts a release in place and proves it, or brings the one before back and proves that.
 * @throws BadInput, LockHeld and other DeployErrors before the first change; afterwards every failure is in the report
 */
export async function deploy(context: Context, input: DeployInput): Promise<RunReport> {
  const { environment, namespace, cluster, commit } = context
  if (input.savedPlan) checkPlace(input.savedPlan, { environment, namespace, server: cluster.server, ...(commit === undefined ? {} : { commit }) })
  const rendered = input.savedPlan?.rendered ?? withImages(input.rendered, input.images)
  const { exists, notes } = await checkRelease(context, input, rendered)
  if (!exists) refuseProblems((await prepareRelease(context.cluster, context.namespace, { ...input, rendered })).plan)
  const made = await ensureNamespace(context, rendered)
  let begun = false
  try {
    return await deployHeld(context, { ...input, rendered }, notes, () => {
      begun = true
    })
  } catch (error) {
    // A refusal leaves nothing behind.
    if (made !== undefined && !begun) await takeBack(context, made)
    throw error
  }
}

/** Removes the namespace that this run made. Never throws: the refusal is what the person should read. */
async function takeBack(context: Context, made: KubeObject): Promise<void> {
  const trouble = await removeNamespace(context, made).then(
    (removed) => (removed ? undefined : 'somebody uses it already'),
    (error: unknown) => describe(error),
  )
  if (trouble !== undefined) context.progress({ type: 'note', text: `namespace ${context.namespace} was made and stays: ${trouble}` })
}

/** @param onBegin called before the first change of the release */
async function deployHeld(context: Context, input: DeployInput, notes: readonly string[], onBegin: () => void): Promise<RunReport> {
  const { clock, cluster, namespace } = context
  const objects = input.rendered.map(({ object }) => object)
  await using session = await openSession(context, input)
  const policy = policyNote(policyOf(context))
  session.notes.push(...notes, ...(policy === undefined ? [] : [policy]))
  const release = await phase(session.run, 'plan', '', () => prepareRelease(cluster, namespace, input))
  refuseProblems(release.plan)
  if (input.savedPlan) checkAgainst(input.savedPlan, release.plan, release.desired, release.generated)
  onBegin()
  context.progress({ type: 'note', text: countLine(release.plan.operations) })

  await using entrances = openEntrances(context.application.proof, cluster, namespace, objects, input.ingress, clock)
  const report = await newReport(context, session, 'deploy')
  if (release.inventory.damaged !== undefined) report.notes.push(release.inventory.damaged)
  report.images = imagesOf(objects)
  report.operations = release.plan.operations.map(({ action, ref, reason }) => ({ action, ref, reason }))
  for (const { object } of release.desired) {
    const { live } = release.live.states.get(keyOf(refOf(object))) ?? {}
    for (const fields of live === undefined ? [] : foreignFields(live)) report.notes.push(`${nameOf(refOf(object))} has fields that are not of this release: ${foreignText(fields)}`)
  }
  const prober = await proberFor(entrances.proof.tokens, cluster, namespace, release.desired.map(({ object }) => object), clock.now())
  const steps: Steps = {
    context,
    input,
    session,
    release,
    entrances,
    report,
    rolloutInput: {
      operations: release.plan.operations,
      desired: release.desired,
      entrances,
      prober,
      secrets: secretValues(release.desired),
      soakMs: input.soakMs,
      // After a run that proved nothing, unchanged objects are proven too.
      watchAll: !isProven(session.history),
      live: appliedFrom([...release.live.states.values()].flatMap(({ live }) => live ?? []), clock.now()),
      inventory: release.inventory,
      beforeWave: () => session.lock.assertHeld(),
      guard: (write) => session.lock.write(session.wayBack.cluster, write),
      allowUnasked: input.allowed.has('unasked'),
      force: input.force ?? false,
    },
  }
  const end = isProven(session.history) && !hasChanges(release.plan.operations) ? await confirmUnchanged(steps) : await carryOut(steps)
  return ended(report, end, clock)
}

/** True when what runs was proven: the last run succeeded, or brought back what had. */
function isProven([last]: readonly Revision[]): boolean {
  return last?.result === 'succeeded' || last?.result === 'rolled-back'
}

interface Steps {
  context: Context
  input: DeployInput
  session: Session
  release: Release
  entrances: OpenEntrances
  report: RunReport
  rolloutInput: RolloutInput
}

/** Nothing is to be changed: looks whether what runs is healthy. */
async function confirmUnchanged({ session, rolloutInput, report }: Steps): Promise<End> {
  const failure = await confirm(session.run, rolloutInput)
  const revision = report.previousRevision ?? 0
  return failure === undefined
    ? { result: 'unchanged', summary: `revision ${revision} is in place and healthy`, revision }
    : { result: 'failed', summary: 'nothing had to be changed, but what runs is not healthy', revision, failure }
}

async function carryOut(steps: Steps): Promise<End> {
  const { context, session, input, entrances, rolloutInput, report } = steps
  const limit = input.maxFailed && { budget: input.maxFailed, stop: (reason: DeployError) => session.stop(reason) }
  await using measurement = await startMeasurement(context.clock, entrances, rolloutInput.prober, input.rate, limit)
  const brokenBefore = await findBroken(steps)
  const revision = await begin(steps)
  report.revision = revision.revision
  let failed: Pick<End, 'failure' | 'checks'> = {}
  try {
    const result = await rollout(session.run, {
      ...rolloutInput,
      async beforeWave(wave) {
        if (wave === 'migration') await backUp(steps)
        await measurement.rolloutStarts()
        await session.lock.assertHeld()
      },
      onOldPodsGone: () => measurement.rolloutEnds(),
    })
    const { checks } = result
    const overspent = result.failure === undefined ? measurement.overspent() : undefined
    const failure = overspent === undefined ? result.failure : { phase: 'verify', message: overspent }
    failed = { checks, ...(failure && { failure }) }
    report.notes.push(...result.notes, ...unaskedNotes(checks))
    const end: End =
      failure === undefined
        ? { result: 'succeeded', summary: `revision ${revision.revision} is in place and verified`, checks }
        : { ...(await undo(steps, revision, measurement, brokenBefore)), failure, checks }
    await addFigures(report, measurement)
    await finish(steps, revision, end, result)
    return end
  } catch (error) {
    // A signal, another deployer or lost credentials: nothing is undone, the next run goes on from here.
    if (!(error instanceof DeployError)) throw error
    const end: End = { ...interruptedBy(error, report, 'what was written stays, and the next run goes on from there'), ...failed }
    await finish(steps, revision, end).catch(() => undefined)
    return end
  }
}

function unaskedNotes(checks: readonly Check[]): string[] {
  return checks.filter(({ result }) => result === 'not asked').map(({ name, detail }) => `not asked: ${name} (${detail})`)
}

/** Says what was broken before, so that it is blamed neither on this release nor on the way back. */
async function findBroken({ context, session, release, report, entrances, rolloutInput }: Steps): Promise<BrokenBefore> {
  const owned = release.inventory.objects.filter(({ kind }) => kind !== 'Job')
  const workloads = await readWorkloads(context.cluster, context.namespace, owned, context.clock.now())
  const broken = workloads.filter(({ state }) => state === 'doomed')
  const untouched = new Set(release.plan.operations.filter(({ action }) => action === 'unchanged').map(({ ref }) => keyOf(ref)))
  for (const { ref, message } of broken) {
    report.notes.push(untouched.has(keyOf(ref)) ? `${nameOf(ref)} is not healthy, and this release did not touch it: ${message}` : `${nameOf(ref)} was not healthy before this run: ${message}`)
  }
  const objects = new Set(broken.map(({ ref }) => keyOf(ref)))
  const isDoubtful = objects.size > 0 || rolloutInput.prober === undefined || !isProven(session.history)
  if (!isDoubtful || currentRevision(session.history) === undefined) return { objects, questions: new Set() }
  const checks = await verify(context.clock, entrances.proof.questions, await entrances.current(), rolloutInput.prober, session.run.signal, policyOf(session.run).baseline)
  const wrong = checks.filter(({ result, gap }) => result === 'failed' || gap === true)
  for (const { name, detail } of wrong) report.notes.push(`before this run: ${name}: ${detail}`)
  return { objects, questions: new Set(wrong.map(({ name }) => name)) }
}

/** Writes down what is about to exist, before it does. */
async function begin({ context, session, release, report }: Steps): Promise<Revision> {
  const { cluster, namespace, commit } = context
  const record = await newRecord(context, session, { action: 'deploy', ...(commit === undefined ? {} : { commit }), images: report.images, summary: countLine(release.plan.operations) })
  const owned = entriesOf(release.desired.map(({ object }) => object))
  await writeInventory(cluster, namespace, { revision: record.revision, fence: record.fence, objects: union(release.inventory.objects, owned) })
  return beginRevision(cluster, namespace, record, release.desired)
}

/** A migration is preceded by a backup when there is a database to back up. */
async function backUp({ session, release, input, report }: Steps): Promise<void> {
  await session.lock.assertHeld()
  const cronJob = backupCronJob(release.desired)
  // One outside the cluster has its roles and tables since the first release that was in place.
  const inCluster = release.desired.some(({ object }) => isDatabase(object))
  const hasDatabase = inCluster ? [...release.live.states.values()].some(({ live }) => live !== undefined && isDatabase(live)) : report.previousRevision !== undefined
  if (!input.backup) report.notes.push('migrated without a backup (--no-backup)')
  else if (cronJob === undefined) report.notes.push('no backup before the migration: the release has no CronJob of component backup')
  else if (!hasDatabase) report.notes.push('no backup before the migration: there was no database yet')
  else {
    const log = await phase(session.run, 'backup', '', () => runBackup(session.run, cronJob, `backup-before-${report.revision}`))
    report.notes.push(`backup before the migration: ${log.at(-1) ?? 'done'}`)
  }
}

async function undo({ context, session, input, entrances, rolloutInput, report }: Steps, failed: Revision, measurement: Measurement, brokenBefore: BrokenBefore): Promise<End> {
  const target = await readNewestGood(context.cluster, context.namespace, session.history)
  if (!input.rollBack) return { result: 'failed', summary: `revision ${failed.revision} failed and was left in place (--no-rollback)` }
  if (target === undefined) return { result: 'failed', summary: `revision ${failed.revision} failed; there is no earlier revision to go back to` }
  const started = context.clock.now()
  const ours = await withoutForeignSecrets(context.cluster, context.namespace, target)
  // Passwords that a person has changed in the database do not go back with the release.
  const to = input.allowed.has('role-password') ? { ...ours, objects: (await withPresentSecrets(context.cluster, ours.objects)).objects } : ours
  const { soakMs, allowUnasked = false } = rolloutInput
  // The revision that comes back reads its own key.
  const prober = await proberFor(entrances.proof.tokens, context.cluster, context.namespace, to.objects.map(({ object }) => object), started)
  const { failure, checks, notes } = await rollBack(session.wayBack, {
    to,
    revision: failed.revision,
    entrances,
    prober,
    soakMs,
    lock: session.lock,
    limitMs: policyOf(session.wayBack).wayBack,
    allowUnasked,
    brokenBefore,
    beforeFirstChange: () => measurement.rolloutStarts(),
    onOldPodsGone: () => measurement.rolloutEnds(),
  })
  report.notes.push(...notes)
  const rollback = { to: to.revision, succeeded: failure === undefined, durationMs: context.clock.now() - started, checks, ...(failure && { failure }) }
  const result: RunResult = failure === undefined ? 'rolled-back' : 'rollback-failed'
  const summary = failure === undefined ? `revision ${failed.revision} failed; revision ${to.revision} is back and verified` : `revision ${failed.revision} failed, and so did the rollback to revision ${to.revision}`
  return { result, summary, rollback }
}

const STORED_RESULT = { succeeded: 'succeeded', unchanged: 'succeeded', 'rolled-back': 'rolled-back', 'rollback-failed': 'failed', failed: 'failed', interrupted: 'interrupted' } as const

/** The history holds one line; the report holds all of it. */
function shorten(text: string): string {
  const line = text.split('\n')[0] ?? ''
  return line.length <= 240 ? line : `${line.slice(0, 239)}…`
}

/** Writes the end down; after success the inventory holds exactly what was wanted, and what of the rest is still there. */
async function finish({ context, session, release }: Steps, revision: Revision, end: End, { applied = [], left = [] }: Partial<RolloutResult> = {}): Promise<void> {
  const { cluster, namespace } = context
  if (end.result === 'succeeded') {
    const kept = [...left, ...release.plan.operations.filter(({ action }) => action === 'keep').map(({ ref }) => ref)].map(keyOf)
    const objects = union(
      release.inventory.objects.filter((entry) => kept.includes(keyOf(entry))),
      entriesOf(release.desired.map(({ object }) => object), uidsOf(release.live, applied)),
    )
    await writeInventory(cluster, namespace, { revision: revision.revision, fence: session.lock.fence, objects })
  }
  const summary = end.failure === undefined ? revision.summary : shorten(`${end.summary}: ${end.failure.message}`)
  await finishRecord(context, revision, { result: STORED_RESULT[end.result], summary })
  await trimHistory(cluster, namespace)
}
