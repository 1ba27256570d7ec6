/**
 * Owns what every role may do with every subject, as somebody decided it: p publish, r be answered, s subscribe.
 * Promises nothing by itself: the test tries each line for real. A line that changes wants a reason, not a new copy of what was found.
 * `me` is who tries, `other` and `1` are others.
 */

export const expectedMatrix = `
# Answers to deliveries: a node its own lanes, in each form; the centre any
$JS.ACK.1 | centre p
$JS.ACK.STEWARD_COMMANDS_0.me-bulk.1.1.1.1.1 | centre pr, node pr
$JS.ACK.STEWARD_COMMANDS_0.me-control.1.1.1.1.1 | centre pr, node pr
$JS.ACK.STEWARD_COMMANDS_0.me-normal.1.1.1.1.1 | centre pr, node pr
$JS.ACK.STEWARD_COMMANDS_0.me-urgent.1.1.1.1.1 | centre pr, node pr
$JS.ACK.STEWARD_COMMANDS_0.other-bulk.1.1.1.1.1 | centre pr
$JS.ACK.STEWARD_COMMANDS_0.other-control.1.1.1.1.1 | centre pr
$JS.ACK.STEWARD_COMMANDS_0.other-normal.1.1.1.1.1 | centre pr
$JS.ACK.STEWARD_COMMANDS_0.other-urgent.1.1.1.1.1 | centre pr
$JS.ACK.STEWARD_EVENTS.me-events.1.1.1.1.1 | centre pr, node pr
$JS.ACK.STEWARD_EVENTS.other-events.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.me-bulk.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.me-bulk.1.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.me-control.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.me-control.1.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.me-normal.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.me-normal.1.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.me-urgent.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.me-urgent.1.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.other-bulk.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.other-bulk.1.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.other-control.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.other-control.1.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.other-normal.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.other-normal.1.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.other-urgent.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_COMMANDS_0.other-urgent.1.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_EVENTS.me-events.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_EVENTS.me-events.1.1.1.1.1.1 | centre pr, node pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_EVENTS.other-events.1.1.1.1.1 | centre pr
$JS.ACK._.HUB-ACCOUNT.STEWARD_EVENTS.other-events.1.1.1.1.1.1 | centre pr

# Streams and consumers: HUB alone
$JS.API.1 | centre pr, operator pr
$JS.API.CONSUMER.CREATE.x | centre pr, operator pr
$JS.API.CONSUMER.CREATE.x.y | centre pr, operator pr
$JS.API.CONSUMER.DELETE.x.y | centre pr, operator pr
$JS.API.CONSUMER.DURABLE.CREATE.x.y | centre pr, operator pr
$JS.API.CONSUMER.INFO.x.y | centre pr, operator pr
$JS.API.CONSUMER.LIST.x | centre pr, operator pr
$JS.API.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.me-normal | centre pr, operator pr
$JS.API.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.other-normal | centre pr, operator pr
$JS.API.CONSUMER.NAMES.x | centre pr, operator pr
$JS.API.CONSUMER.PAUSE.x.y | centre pr, operator pr
$JS.API.DIRECT.GET.1 | centre p, operator p
$JS.API.DIRECT.GET.STEWARD_CLAIMS.steward.claim.1.1 | centre pr, operator pr
$JS.API.DIRECT.GET.STEWARD_STATE.steward.state.1 | centre pr, operator pr
$JS.API.DIRECT.GET.x | centre p, operator p
$JS.API.INFO | centre pr, operator pr
$JS.API.SERVER.REMOVE | centre pr, operator pr
$JS.API.STREAM.CREATE.x | centre pr, operator pr
$JS.API.STREAM.DELETE.x | centre pr, operator pr
$JS.API.STREAM.INFO.1 | centre pr, operator pr
$JS.API.STREAM.LIST | centre pr, operator pr
$JS.API.STREAM.MSG.DELETE.x | centre pr, operator pr
$JS.API.STREAM.MSG.GET.1 | centre pr, operator pr
$JS.API.STREAM.MSG.GET.x | centre pr, operator pr
$JS.API.STREAM.NAMES | centre pr, operator pr
$JS.API.STREAM.PEER.REMOVE.x | centre pr, operator pr
$JS.API.STREAM.PURGE.x | centre pr, operator pr
$JS.API.STREAM.RESTORE.x | centre pr, operator pr
$JS.API.STREAM.SNAPSHOT.x | centre pr, operator pr
$JS.API.STREAM.UPDATE.x | centre pr, operator pr
$JS.SNAPSHOT.1 | centre p, operator p

# Buckets: what an operator changes, and all for the centre
$KV.1 | centre p
$KV.steward-leases.1 | centre pr
$KV.steward-ledger.1 | centre pr
$KV.steward-nodes.1 | centre pr, operator pr
$KV.steward-presence.1 | centre pr, operator pr
$KV.steward-results.1 | centre pr
$KV.steward-schedules.1 | centre pr, operator pr
$KV.steward-trust.1 | centre pr, operator pr

# The server: who brings accounts, and nothing else
$SYS.> | nobody
$SYS.REQ.ACCOUNT.PING.STATZ | nobody
$SYS.REQ.CLAIMS.1 | system p
$SYS.REQ.CLAIMS.UPDATE | system pr
$SYS.REQ.SERVER.PING | system pr
$SYS.REQ.SERVER.PING.1 | system p
$SYS.REQ.USER.INFO | nobody

# What other accounts reach of HUB: a node pulls its own lanes and reads its own; a viewer reads
JS.HUB.CONSUMER.CREATE.x | nobody
JS.HUB.CONSUMER.CREATE.x.y | nobody
JS.HUB.CONSUMER.DELETE.x.y | nobody
JS.HUB.CONSUMER.DURABLE.CREATE.x.y | nobody
JS.HUB.CONSUMER.INFO.x.y | nobody
JS.HUB.CONSUMER.LIST.x | nobody
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.me-bulk | node pr
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.me-control | node pr
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.me-normal | node pr
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.me-urgent | node pr
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.other-bulk | nobody
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.other-control | nobody
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.other-normal | nobody
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.other-urgent | nobody
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_EVENTS.me-events | node pr
JS.HUB.CONSUMER.MSG.NEXT.STEWARD_EVENTS.other-events | nobody
JS.HUB.CONSUMER.NAMES.x | nobody
JS.HUB.CONSUMER.PAUSE.x.y | nobody
JS.HUB.DIRECT.GET.1 | viewer p
JS.HUB.DIRECT.GET.STEWARD_CLAIMS.steward.claim.1.1 | viewer pr
JS.HUB.DIRECT.GET.STEWARD_CLAIMS.steward.claim.me.1 | node pr, viewer pr
JS.HUB.DIRECT.GET.STEWARD_CLAIMS.steward.claim.other.1 | viewer pr
JS.HUB.DIRECT.GET.STEWARD_STATE.steward.state.1 | viewer pr
JS.HUB.DIRECT.GET.STEWARD_STATE.steward.state._fleet | node pr, viewer pr
JS.HUB.DIRECT.GET.STEWARD_STATE.steward.state.me | node pr, viewer pr
JS.HUB.DIRECT.GET.STEWARD_STATE.steward.state.other | viewer pr
JS.HUB.DIRECT.GET.x | viewer p
JS.HUB.INFO | nobody
JS.HUB.SERVER.REMOVE | nobody
JS.HUB.STREAM.CREATE.x | nobody
JS.HUB.STREAM.DELETE.x | nobody
JS.HUB.STREAM.INFO.1 | viewer pr
JS.HUB.STREAM.LIST | viewer pr
JS.HUB.STREAM.MSG.DELETE.x | nobody
JS.HUB.STREAM.MSG.GET.1 | viewer pr
JS.HUB.STREAM.MSG.GET.x | viewer pr
JS.HUB.STREAM.NAMES | viewer pr
JS.HUB.STREAM.PEER.REMOVE.x | nobody
JS.HUB.STREAM.PURGE.x | nobody
JS.HUB.STREAM.RESTORE.x | nobody
JS.HUB.STREAM.SNAPSHOT.x | nobody
JS.HUB.STREAM.UPDATE.x | nobody

# Inboxes: each its own; the centre answers anybody
_INBOX.> | centre p
_INBOX.me.1 | system s, centre ps, operator s, node s, viewer s
_INBOX.other.1 | centre p

# Public names of messages
1.command.1 | centre pr, operator pr
1.event.1 | centre pr, operator pr

# Everything
> | nobody

# What is stored, and signs of life: a node writes under its own name, and hears its own beat
steward.1 | centre p
steward.api.nodes | centre prs, operator pr, viewer pr
steward.beat.1 | centre prs
steward.beat.me | centre prs, node prs
steward.beat.other | centre prs
steward.claim.1 | centre pr
steward.claim.1.1 | centre pr, operator pr
steward.claim.me.1 | centre pr, operator pr, node pr
steward.claim.other.1 | centre pr, operator pr
steward.command.0.1 | centre pr, operator pr
steward.command.1 | centre pr, operator pr
steward.dead.1 | centre pr
steward.dead.1.1.1.1 | centre pr, operator pr
steward.event.1 | centre pr, operator pr
steward.event.1.1.1 | centre pr
steward.event.1._operator.1 | centre pr, operator pr
steward.event.1.me.1 | centre pr, node pr
steward.event.1.other.1 | centre pr
steward.intake.1 | centre pr
steward.intake.1.1.1.1 | centre pr
steward.intake.1.me.1.1 | centre pr, node pr
steward.intake.1.other.1.1 | centre pr
steward.output.1 | centre pr
steward.output.1.1 | centre pr
steward.output.me.1 | centre pr, node pr
steward.output.other.1 | centre pr
steward.report.1 | centre pr
steward.report.1.1 | centre pr
steward.report.me.1 | centre pr, node pr
steward.report.other.1 | centre pr
steward.state.1 | centre pr
steward.state.me | centre pr, node pr
steward.state.other | centre pr
steward.told.report.1.1 | centre ps, operator s
`
	.split('\n')
	.filter((line) => line !== '' && !line.startsWith('#'));
