import { describe, expect, it } from 'vitest'
import { callsOf, type Contexts, evaluate, fill } from '../../rehearsal/workflows.ts'

const contexts: Contexts = { github: { repository: 'Acme/Todo', sha: 'f00' }, vars: { HOST: 'todo.example' }, secrets: { KEY: 'k' } }

describe('an expression', () => {
  it.each([
    ['github.repository', 'Acme/Todo'],
    ["vars.REGISTRY || format('ghcr.io/{0}', github.repository)", 'ghcr.io/Acme/Todo'],
    ['vars.HOST || github.sha', 'todo.example'],
    ['secrets.NOT_THERE', ''],
  ])('%s is %s', (expression, value) => {
    expect(evaluate(expression, contexts)).toBe(value)
  })

  it('that cannot be read is quoted', () => {
    expect(() => evaluate('runner.os', contexts)).toThrow('${{ runner.os }} cannot be evaluated')
  })

  it('is replaced wherever it stands in a text', () => {
    expect(fill('--tag=${{ github.sha }} --host=${{vars.HOST}}', contexts)).toBe('--tag=f00 --host=todo.example')
  })
})

const step = (more: string): string => `
on: push
jobs:
  first:
    environment: staging
    steps:
      - uses: actions/checkout@0
      - name: Deploy
        uses: dagger/dagger-for-github@0
        ${more}
        env:
          KEY: \${{ secrets.KEY }}
        with:
          call: >-
            deploy
            --commit=\${{ github.sha }}
`

describe('a workflow', () => {
  it('gives its calls with everything filled in', () => {
    const asked: (string | undefined)[] = []
    const calls = callsOf('cd.yml', step('if: ${{ !cancelled() }}'), (environment) => {
      asked.push(environment)
      return contexts
    })
    expect(calls).toEqual([{ workflow: 'cd.yml', job: 'first', step: 'Deploy', line: 'deploy --commit=f00', env: { KEY: 'k' }, environment: 'staging' }])
    expect(asked).toEqual(['staging'])
  })

  it('with a condition that nobody here can judge is refused', () => {
    expect(() => callsOf('cd.yml', step("if: ${{ github.ref == 'x' }}"), () => contexts)).toThrow('cd.yml, step Deploy')
  })
})
