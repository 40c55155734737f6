/** What other people do to the cluster. */
import { KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node'
import { loadKubeconfig } from '../../deploy/src/cluster/kubeconfig.ts'
import type { KubeObject } from '../../deploy/src/release/objects.ts'

/** Server-side apply by another field manager, which takes the fields that it writes. */
export async function applyAs(kubeconfig: string, manager: string, object: KubeObject): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(loadKubeconfig(kubeconfig))
  await api.patch(object as never, undefined, undefined, manager, true, PatchStrategy.ServerSideApply)
}
