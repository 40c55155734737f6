/**
 * todo-chat: build, test and deliver an AI todo application
 *
 * Images, checks and the laptop stack of todo-chat. Every function works on the repository it is called in; `--source` names
 * another one.
 */
import { argument, check, type Container, Directory, func, object, type Platform, type Service } from '@dagger.io/dagger'
import { type Check, checks, lintChecks } from './checks.ts'
import { image } from './images.ts'
import { reportDirectory, runAll } from './run.ts'
import { randomSecrets, stack } from './stack.ts'
import { allPassed, failureText, table } from './summary.ts'

@object()
export class TodoChat {
  source: Directory

  constructor(
    /** The repository (default: the one the module is called in) */
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', '**/dist', '**/coverage', '**/report', '**/__pycache__', '**/.venv', '**/.*_cache', '**/.hypothesis', '**/.coverage*', '**/*.log', 'dagger/sdk'] })
    source: Directory,
  ) {
    this.source = source
  }

  /** Image of the backend: REST, chat endpoint, history, and the migrations */
  @func()
  async backend(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(this.source, 'backend', platform)
  }

  /** Image of the agent: the model loop, which acts only through MCP */
  @func()
  async agent(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(this.source, 'agent', platform)
  }

  /** Image of the MCP server with the five task tools */
  @func()
  async mcp(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(this.source, 'mcp', platform)
  }

  /** Image of the page: static files behind nginx */
  @func()
  async frontend(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(this.source, 'frontend', platform)
  }

  /** Image of PostgreSQL with the roles of todo-chat, also used for backups */
  @func()
  async database(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(this.source, 'database', platform)
  }

  /** Run pytest in a container, with the database image bound as a service */
  @func()
  @check()
  async testBackend(): Promise<string> {
    return this.report(['test-backend'])
  }

  /** Run Jest in a container */
  @func()
  @check()
  async testFrontend(): Promise<string> {
    return this.report(['test-frontend'])
  }

  /** Run the unit tests of the pipeline: deployer, module, manifests' rules, workflows */
  @func()
  @check()
  async testPipeline(): Promise<string> {
    return this.report(['test-pipeline'])
  }

  /** Validate manifests and chart: schemas of three Kubernetes minors, kube-score, policies, equality of both renderings */
  @func()
  @check()
  async validate(): Promise<string> {
    return this.report(['validate'])
  }

  /** Run all linters: ruff, mypy, import contracts, ESLint, tsc, hadolint, shellcheck, actionlint, zizmor */
  @func()
  @check()
  async lint(): Promise<string> {
    return this.report(lintChecks(this.source).map(({ name }) => name))
  }

  /** Run every check at once; gives a table, and fails with the output of each check that did not pass */
  @func({ cache: 'never' })
  async ci(): Promise<string> {
    const { results, info } = await runAll(checks(this.source))
    if (!allPassed(results)) throw new Error(failureText(results, info))
    return `${table(results, info)}\n`
  }

  /** Run every check, whatever the results, and export them: index.html, report.json and junit/*.xml */
  @func({ cache: 'never' })
  async ciReport(): Promise<Directory> {
    const { results, info } = await runAll(checks(this.source))
    return reportDirectory(results, info)
  }

  /** The whole application on a laptop port, without Kubernetes: `dagger call up up` serves the page at port 8080 */
  @func({ cache: 'never' })
  async up(): Promise<Service> {
    const secrets = await randomSecrets(this.source, String(Date.now()))
    const { frontend } = await stack(this.source, { secrets })
    return frontend
  }

  private async report(names: string[]): Promise<string> {
    const chosen: Check[] = checks(this.source).filter(({ name }) => names.includes(name))
    const { results, info } = await runAll(chosen)
    if (!allPassed(results)) throw new Error(failureText(results, info))
    return `${table(results, info)}\n`
  }
}
