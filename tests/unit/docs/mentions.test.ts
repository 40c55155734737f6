import { describe, expect, it } from 'vitest'
import { toLine } from '../../docs/finding.ts'
import { functionTable, type Known, unknownMentions } from '../../docs/mentions.ts'
import { SPECS } from '../../docs/pages.ts'

const argument = (name: string) => ({ name, type: 'string', meaning: name })
const func = (name: string, ...names: string[]) => ({ name, gives: 'string', meaning: name, isCheck: false, isCached: false, arguments: names.map(argument) })

const KNOWN: Known = {
  module: { arguments: [argument('cluster-image')], functions: [func('ci', 'only', 'skip'), func('cluster', 'name')] },
  deployerOptions: new Set(['--env', '--settings', '--rate']),
  requirements: new Set(['CONF-001']),
  policies: new Set(['pods/non-root']),
  variables: new Set(['TODO_PORT', 'TODO_CHAT_ENGINE']),
  settings: new Set(['host', 'database.host', 'policy.settle', 'images.pullSecret']),
  launcherOptions: new Set(['--engine']),
  defaults: new Map([['--rate', new Set(['100'])], ['TODO_PORT', new Set(['8000', '8001'])], ['policy.settle', new Set(['3m'])]]),
  scripts: new Map([['', new Set(['ci', 'dagger'])], ['app/frontend', new Set(['build'])]]),
}

const found = (text: string, page = 'docs/a.md'): string[] => unknownMentions(page, text, KNOWN).map(toLine)

describe('names in passing', () => {
  it.each([
    ['a function with its arguments', '`npm run dagger -- call ci --skip=conformance`'],
    ['an argument of the module before it', '`dagger call --cluster-image x ci --only a`'],
    ['what the engine adds behind it', '```\nnpm run dagger -- call cluster --name a up --ports 80:80\n```'],
    ['a comment behind it', '```\ndagger call ci   # and not --never\n```'],
    ['an option of the deployer', '`npx tsx deploy/src/cli.ts --env prod`'],
    ['a requirement, a variable, a script', 'CONF-001 and `TODO_PORT` and `npm run ci`'],
    ['an option of the module, the deployer, the launcher', '`--only x` and `--env` and `--engine docker`'],
    ['a setting, a group of them, a file', '`database.host`, `policy.*`, `images.json`, `database-image`'],
    ['a default', '`--rate`, default `100`; `TODO_PORT`, default `8001`; `policy.settle`, default `3m`'],
    ['a family of variables', '`TODO_CHAT_…` and `TODO_{A,B}_FILE`'],
    ['words that are no code', 'a dagger call never --fails here'],
  ])('may be %s', (_, text) => {
    expect(found(text)).toEqual([])
  })

  it.each([
    ['a function', 'a\n\n`dagger call c-i --skip=x`', 'docs/a.md:3: the module has no function c-i'],
    ['an argument', '`npm run dagger -- call ci --skips=x`', 'docs/a.md:1: ci has no argument --skips'],
    ['an argument of another function', '```\ndagger call cluster --only x\n```', 'docs/a.md:2: cluster has no argument --only'],
    ['an option of the deployer', '`todo-chat-deploy --environment prod`', 'docs/a.md:1: the deployer has no option --environment'],
    ['a requirement', 'as CONF-002 says, CONF-002', 'docs/a.md:1: no requirement is called CONF-002'],
    ['a variable', '`TODO_PORTS`', 'docs/a.md:1: nothing reads TODO_PORTS'],
    ['a script', '`npm run build`', 'docs/a.md:1: package.json has no script build'],
    ['an option', 'a\n`--onlyy=x`', 'docs/a.md:2: nothing has an option --onlyy'],
    ['a setting', '`database.hosts`', 'docs/a.md:1: no setting is called database.hosts'],
    ['a limit of the policy', '`policy.settled`', 'docs/a.md:1: no setting is called policy.settled'],
    ['another default of an option', 'a\n\n`--rate`, default `50`', 'docs/a.md:3: the default of --rate is 100, not 50'],
    ['another port', '`TODO_PORT`, default `8080`', 'docs/a.md:1: the default of TODO_PORT is 8000 or 8001, not 8080'],
    ['another default of a setting', '`policy.settle`, default `2m`', 'docs/a.md:1: the default of policy.settle is 3m, not 2m'],
    ['a default of nothing', '`speed`, default `2`', 'docs/a.md:1: nothing that is called speed has a default'],
  ])('are told when there is no such thing: %s', (_, text, finding) => {
    expect(found(text)).toEqual([finding])
  })

  it('may be of others on a page of benchmarks, and in what is shown', () => {
    expect(found('`helm --wait`, `--wait`, `database.external`', 'docs/benchmarks.md')).toEqual([])
    expect(found('```console\n--wait database.external\n```')).toEqual([])
  })

  it('may be a script of the page’s own package', () => {
    expect(found('`npm run build`', 'app/frontend/README.md')).toEqual([])
  })

  it('are policies in the specs', () => {
    expect(found('`pods/non-root`, `pods/as-root`, `apps/v1`', `${SPECS}/plan.md`)).toEqual([`${SPECS}/plan.md:1: no policy is called pods/as-root`])
  })
})

describe('the table of functions', () => {
  const page = (...rows: string[]): string => ['# Title', '', '## Functions', '', '| function | gives |', '|---|---|', ...rows, '', '## Next', '', '| `none` | x |'].join('\n')
  const told = (text: string): string[] => functionTable('README.md', text, KNOWN.module).map(toLine)

  it('names all of them', () => {
    expect(told(page('| `ci`, `cluster` | `x` |'))).toEqual([])
  })

  it('is told when it has one too many or one too few', () => {
    expect(told(page('| `ci` | x |', '| `clusters` | x |'))).toEqual(['README.md:8: the module has no function clusters', 'README.md:3: the function cluster is not in the table'])
    expect(told('# Title\n')).toEqual(['README.md:1: the page has no section Functions'])
  })
})
