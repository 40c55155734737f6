/** Changes to the good release that the benchmark puts in place, the same for the deployer and for Helm. */
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { podSpecs } from '../../deploy/src/release/secrets.ts'
import { podSpec, runsPython, specOf } from './_bench.ts'

export type Change = (objects: KubeObject[]) => void

/** Every pod of an image with its tag `v2`: a new backend also migrates. */
export function otherImage(name: string): Change {
  return (objects) => {
    for (const container of objects.flatMap(podSpecs).flatMap(({ containers, initContainers = [] }) => [...containers, ...initContainers])) {
      if (container.image !== undefined) container.image = container.image.replace(new RegExp(`(todo-chat/${name}):[^:]*$`), '$1:v2')
    }
  }
}

/** A setting of the backend, which rolls its pods. */
export function setting(value: string): Change {
  return (objects) => {
    podSpec(objects, 'backend').containers[0]['env'] = [{ name: 'TODO_LOG_LEVEL', value }]
  }
}

export interface Fault {
  name: string
  /** The text in the status of pods, or of the Deployment, by which the cluster tells of it; absent when only users see it. */
  reason?: string
  change: Change
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'image not found',
    reason: '"ErrImagePull"',
    change: (objects) => {
      podSpec(objects, 'mcp').containers[0].image = 'todo-chat/mcp:does-not-exist'
    },
  },
  {
    name: 'crash at start',
    reason: '"CrashLoopBackOff"',
    change: (objects) => runsPython(podSpec(objects, 'backend'), 'import sys; print("cannot start", flush=True); sys.exit(3)'),
  },
  {
    name: 'never ready, deadline 30 s',
    reason: '"ProgressDeadlineExceeded"',
    change: (objects) => {
      specOf(objects, 'Deployment', 'mcp')['progressDeadlineSeconds'] = 30
      podSpec(objects, 'mcp').containers[0]['readinessProbe'] = { httpGet: { path: '/does-not-exist', port: 'http' }, periodSeconds: 1 }
    },
  },
  {
    name: 'ready, but answers wrongly',
    change: (objects) => {
      podSpec(objects, 'backend').containers[0]['env'] = [{ name: 'TODO_AGENT_URL', value: 'http://127.0.0.1:9' }]
    },
  },
]
