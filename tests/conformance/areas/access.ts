/** Who may do what with the Kubernetes API. */
import pMap from 'p-map'
import type { KubeObject } from '../../../deploy/src/release/objects.ts'
import { type Requirement, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'
import type { World } from '../world.ts'

/** `verb resource[/subresource][.group]`, optionally `@namespace` (`@*` for all). */
type Action = string

interface Row {
  who: string
  user: string
  groups?: readonly string[]
  may: readonly Action[]
  mayNot: readonly Action[]
}

const TIERS = ['agent', 'backend', 'backup', 'frontend', 'mcp', 'migrate', 'postgres', 'default'] as const

const INTERESTING: readonly Action[] = ['get secrets', 'list secrets', 'list pods', 'create pods', 'create pods/exec', 'get configmaps', 'patch deployments.apps', 'create serviceaccounts/token', 'list secrets@kube-system', 'list nodes@*', 'create clusterrolebindings.rbac.authorization.k8s.io@*', 'impersonate users@*']

export function rowsFor(namespace: string): Row[] {
  return [
    ...TIERS.map((tier): Row => ({ who: `account ${tier}`, user: `system:serviceaccount:${namespace}:${tier}`, may: [], mayNot: INTERESTING })),
    {
      who: 'account deployer',
      user: `system:serviceaccount:${namespace}:deployer`,
      may: ['patch deployments.apps', 'create secrets', 'create configmaps', 'patch networkpolicies.networking.k8s.io', 'get pods/log', 'create jobs.batch', 'update leases.coordination.k8s.io', 'create pods/exec'],
      mayNot: ['create pods/attach', 'create serviceaccounts/token', 'create pods/exec@kube-system', 'delete namespaces@*', 'list secrets@kube-system', 'list pods@kube-system', 'list nodes@*', 'patch deployments.apps@kube-system', 'create clusterrolebindings.rbac.authorization.k8s.io@*', 'create clusterroles.rbac.authorization.k8s.io@*', 'escalate roles.rbac.authorization.k8s.io', 'impersonate users@*'],
    },
    {
      who: 'group todo-chat:viewers',
      user: 'a-viewer',
      groups: ['todo-chat:viewers'],
      may: ['list pods', 'get pods/log', 'list deployments.apps', 'list events'],
      mayNot: ['get secrets', 'list secrets', 'create pods', 'delete pods', 'patch deployments.apps', 'create pods/exec', 'create pods/portforward', 'list pods@kube-system', 'list nodes@*'],
    },
    { who: 'nobody', user: 'system:anonymous', groups: ['system:unauthenticated'], may: [], mayNot: INTERESTING },
  ]
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access */
export function review(row: Row, action: Action, namespace: string): KubeObject {
  const [what = '', space = namespace] = action.split('@')
  const [verb = '', target = ''] = what.split(' ')
  const [path = '', ...group] = target.split('.')
  const [resource = '', subresource] = path.split('/')
  const resourceAttributes = { verb, resource, group: group.join('.'), ...(subresource === undefined ? {} : { subresource }), ...(space === '*' ? {} : { namespace: space }) }
  return { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: { name: '' }, spec: { user: row.user, ...(row.groups && { groups: row.groups }), resourceAttributes } }
}

async function isAllowed({ cluster, namespace }: World, row: Row, action: Action): Promise<boolean> {
  const answer = await cluster.create(review(row, action, namespace))
  return (answer['status'] as { allowed?: boolean }).allowed === true
}

export const ACCESS: readonly Requirement[] = [
  {
    id: 'CONF-270',
    ring: 'behaviour',
    title: 'can-i table',
    must: 'Service accounts of the tiers MUST be allowed nothing; the deployer MUST be allowed its namespace and nothing beyond it; viewers MUST read everything but Secrets and change nothing.',
    why: 'a stolen token is worth what its account may do',
    source: 'design.md 6: Roles; https://kubernetes.io/docs/reference/access-authn-authz/rbac/',
    needs: ['application'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    async run(world) {
      const questions = rowsFor(world.namespace).flatMap((row) => [...row.may.map((action) => ({ row, action, expected: true })), ...row.mayNot.map((action) => ({ row, action, expected: false }))])
      const answers = await pMap(questions, async (question) => ({ ...question, allowed: await isAllowed(world, question.row, question.action) }), { concurrency: 6, signal: world.signal })
      const rows = answers.map(({ row, action, expected, allowed }) => [row.who, action, expected ? 'yes' : 'no', allowed ? 'yes' : 'no'])
      const table = { head: ['who', 'action', 'may', 'answer'], rows }
      demandNone(rows.filter(([, , may, answer]) => may !== answer).map(([who, action, may]) => `${who} ${may === 'yes' ? 'cannot' : 'can'} ${action}`), 'otherwise', { summary: `${rows.length} questions`, table })
      return { summary: `${rows.length} questions, ${answers.filter(({ allowed }) => allowed).length} allowed`, table }
    },
  },
]
