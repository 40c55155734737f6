/** The command-line tools of the validation; docker/tools builds an image that holds them. */
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

export type Tool = 'helm' | 'kubeconform' | 'kube-score' | 'kustomize'

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** Every tool here answers within a few seconds. */
const TIMEOUT_MS = 60_000

/**
 * Runs a tool to its end, whatever its exit code.
 * @throws Error when the tool is missing, which fails the test: validation without its tools has not passed
 */
export function run(tool: Tool, args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS })
    const output = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text
      })
    }
    child.on('error', (cause) => {
      reject(new Error(`${tool} cannot be run (${cause.message}); the validation runs in the image of docker/tools/Dockerfile, or with its tools on the PATH`, { cause }))
    })
    child.on('close', (code, signal) => {
      if (code === null) reject(new Error(`${tool} was ended by ${signal ?? 'a signal'} (limit ${TIMEOUT_MS / 1000} s)`))
      else resolve({ code, ...output })
    })
    // A tool that refuses its flags closes its input early; its exit code tells.
    child.stdin.on('error', () => undefined).end(input)
  })
}

/** Minors against which the manifests are validated. */
export const KUBERNETES_MINORS = ['1.34', '1.35', '1.36'] as const

const SCHEMA_FOLDER = /^v(\d+\.\d+)\.\d+-standalone-strict$/

/**
 * The newest patch release per minor whose schemas are at hand.
 * @throws Error when SCHEMAS_DIR is not set or lacks a minor
 */
export async function kubernetesVersions(): Promise<{ minor: string; version: string }[]> {
  const folder = schemasFolder()
  const names = await readdir(folder)
  return KUBERNETES_MINORS.map((minor) => {
    const name = names.filter((entry) => SCHEMA_FOLDER.exec(entry)?.[1] === minor).sort().at(-1)
    if (name === undefined) throw new Error(`${folder} has no schemas of Kubernetes ${minor}; docker/tools/Dockerfile makes them`)
    return { minor, version: name.replace(/^v/, '').replace('-standalone-strict', '') }
  })
}

/** The pattern by which kubeconform finds a schema. */
export function schemaLocation(): string {
  return join(schemasFolder(), '{{ .NormalizedKubernetesVersion }}-standalone{{ .StrictSuffix }}', '{{ .ResourceKind }}{{ .KindSuffix }}.json')
}

function schemasFolder(): string {
  const folder = process.env['SCHEMAS_DIR']
  if (folder === undefined) throw new Error('SCHEMAS_DIR is not set; it names the folder of Kubernetes JSON schemas, /schemas in the image of docker/tools/Dockerfile')
  return folder
}
