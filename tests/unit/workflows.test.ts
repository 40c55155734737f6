import { describe, expect, it } from 'vitest'
import { daggerCalls, steps, workflows } from './_workflows.ts'

const SHOW_REPORT = 'cat report/report.md >> "$GITHUB_STEP_SUMMARY"'
const SHOW_CHECKS = 'cat report/annotations.txt && cat report/summary.md >> "$GITHUB_STEP_SUMMARY"'

describe('workflows', () => {
  it('are the five that the project has', () => {
    expect(workflows().map(({ file }) => file)).toEqual(['cd-dev.yml', 'cd-production.yml', 'cd-staging.yml', 'ci.yml', 'nightly.yml'])
  })

  it.each(workflows().map((workflow) => [workflow.file, workflow] as const))('%s starts with nothing but read access to the contents', (_file, workflow) => {
    expect(workflow.permissions).toEqual({ contents: 'read' })
  })

  it.each(workflows().map((workflow) => [workflow.file, workflow] as const))('%s never runs twice at once for the same target', (file, { concurrency }) => {
    expect(concurrency.group).toMatch(file === 'ci.yml' ? /github\.ref/ : new RegExp(`^${file.replace('.yml', '')}$`))
    // A deployment is never cut off in the middle.
    if (file !== 'ci.yml') expect(concurrency['cancel-in-progress']).toBe(false)
  })

  it.each(workflows().map((workflow) => [workflow.file, workflow] as const))('%s limits the time of every job', (_file, { jobs }) => {
    for (const job of Object.values(jobs)) expect(job['timeout-minutes']).toBeLessThanOrEqual(60)
  })

  it.each(steps().flatMap(({ workflow, step }) => (step.uses === undefined ? [] : [[workflow.file, step.uses] as const])))('%s pins %s by commit', (_file, uses) => {
    expect(uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
  })

  it('say the version beside each pin', () => {
    for (const { text } of workflows()) for (const line of text.split('\n').filter((line) => line.includes('uses:'))) expect(line).toMatch(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  it('pin an action to one commit and Dagger to one version everywhere', () => {
    const byAction = new Map<string, Set<string>>()
    for (const { step } of steps()) {
      const [action, commit] = step.uses?.split('@') ?? []
      if (action !== undefined && commit !== undefined) byAction.set(action, (byAction.get(action) ?? new Set()).add(commit))
    }
    for (const commits of byAction.values()) expect(commits.size).toBe(1)
    expect(new Set(steps().flatMap(({ step }) => step.with?.['version'] ?? []))).toEqual(new Set(['0.21.9']))
  })

  it('hold no logic: a step calls Dagger, checks out, keeps a report or shows it', () => {
    for (const { step } of steps()) {
      if (step.run !== undefined) expect(step.run).toBeOneOf([SHOW_REPORT, SHOW_CHECKS])
      else expect(step.uses).toMatch(/^(actions\/(checkout|upload-artifact)|dagger\/dagger-for-github)@/)
    }
  })

  it('run the checks of a change once: one report, and one verdict about that report', () => {
    const calls = daggerCalls().filter(({ file }) => file === 'ci.yml').map(({ line }) => line)
    expect(calls).toEqual(['ci-report export --path=report', 'ci-verdict --report=report'])
    const [job] = Object.values(workflows().find(({ file }) => file === 'ci.yml')?.jobs ?? {})
    // The verdict is the last step and depends on every one before it; the report is kept and shown whatever it says.
    expect(job?.steps.at(-1)).toMatchObject({ with: { call: 'ci-verdict --report=report' } })
    expect(job?.steps.at(-1)).not.toHaveProperty('if')
    for (const name of ['Keep the report', 'Show the report']) expect(job?.steps.find((step) => step.name === name)?.if).toBe('${{ !cancelled() }}')
  })

  it('leave no credentials behind after a checkout', () => {
    for (const { step } of steps().filter(({ step }) => step.uses?.startsWith('actions/checkout@'))) expect(step.with).toMatchObject({ 'persist-credentials': false })
  })

  it('give secrets to single steps, by environment and never by argument', () => {
    for (const { text } of workflows()) expect(text).not.toMatch(/call:[^\n]*secrets\./)
    for (const { line } of daggerCalls()) {
      for (const [, name, value] of line.matchAll(/--(password|kubeconfig|secrets|staging-kubeconfig|settings|ingress-ca|registry-ca)=(\S+)/g)) expect([name, value]).toEqual([name, expect.stringMatching(/^env:\/\/[A-Z_]+$/)])
    }
  })

  it('deploy to production only after staging: approval by its environment, digests proven by its cluster', () => {
    const production = workflows().find(({ file }) => file === 'cd-production.yml')
    expect(Object.values(production?.jobs ?? {}).map(({ environment }) => environment)).toEqual(['production'])
    expect(Object.keys(production?.on ?? {})).toEqual(['workflow_dispatch'])
    expect(daggerCalls().filter(({ file }) => file === 'cd-production.yml').map(({ line }) => line).join('\n')).toMatch(/deploy-report\n?.*--env=prod.*--staging-kubeconfig=/s)
  })

  it('use the images of development everywhere: only cd-dev publishes', () => {
    expect(daggerCalls().filter(({ line }) => line.startsWith('publish ')).map(({ file }) => file)).toEqual(['cd-dev.yml'])
  })
})
