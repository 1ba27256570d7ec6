import { type Attack, comesTrue, removes, tryEach } from './attack.ts';
import type { World } from './world.ts';

const commands = 'STEWARD_COMMANDS_0';
const pull = JSON.stringify({ batch: 1, no_wait: true });

/** A message of the victim is handed out to it, and the attacker answers it: is it done with? */
async function acknowledged(world: World, form: (numbers: string) => string): Promise<boolean> {
	const { hub, attacker } = world;
	const handed = await hub.nc.request(`$JS.API.CONSUMER.MSG.NEXT.${commands}.victim-normal`, pull, {
		...{ timeout: 60_000, noMux: true },
	});
	const numbers = (handed.reply ?? '').split('.').slice(4).join('.');
	const before = (await hub.jsm.consumers.info(commands, 'victim-normal')).num_ack_pending;
	await attacker.ask(form(numbers), '+ACK');
	const after = (await hub.jsm.consumers.info(commands, 'victim-normal')).num_ack_pending;
	if (after === before) await hub.nc.request(handed.reply ?? '', '+ACK');
	return after < before;
}

async function stores(world: World, subject: string, stream: string): Promise<boolean> {
	const before = await world.count(stream, subject);
	await world.attacker.ask(subject, '{"forged":true}');
	return (await world.count(stream, subject)) > before;
}

/** What a subscription hears of something that somebody else does. */
async function hears(world: World, subject: string, act: () => Promise<unknown>): Promise<boolean> {
	const { nc } = world.attacker;
	let heard = false;
	const subscription = nc.subscribe(subject, {
		callback: (error) => {
			heard ||= error === null;
		},
	});
	await nc.flush();
	await act();
	await nc.flush();
	if (!subscription.isClosed()) subscription.unsubscribe();
	return heard;
}

const saysOfVictim = (answer: string | undefined) =>
	answer?.includes('of victim') === true || answer?.includes(btoa('of victim')) === true;

const attacks: readonly Attack[] = [
	{
		name: 'fills the server with subscriptions',
		does: async ({ attacker: { nc, name } }) => {
			// What answers come to is there before.
			await nc.request('steward.state.ship1', 'x');
			const heard: string[] = [];
			const subscriptions = Array.from({ length: 10_100 }, (_, index) =>
				nc.subscribe(`_INBOX.${name}.many.${index}`, { callback: () => void heard.push('last') }),
			);
			await nc.flush();
			nc.publish('steward.state.ship1', 'x', { reply: `_INBOX.${name}.many.10099` });
			await nc.request('steward.state.ship1', 'x');
			await nc.flush();
			for (const subscription of subscriptions) subscription.unsubscribe();
			await nc.flush();
			return heard.length > 0;
		},
	},
	{
		name: "pulls another ship's commands",
		does: async ({ api, attacker }) =>
			saysOfVictim(await attacker.ask(`${api}.CONSUMER.MSG.NEXT.${commands}.victim-normal`, pull)),
	},
	{
		name: "pulls another ship's events",
		does: async ({ api, attacker }) =>
			saysOfVictim(await attacker.ask(`${api}.CONSUMER.MSG.NEXT.STEWARD_EVENTS.victim-events`, pull)),
	},
	{
		name: "acknowledges another's message, in the short form",
		does: (world) => acknowledged(world, (numbers) => `$JS.ACK.${commands}.victim-normal.${numbers}`),
	},
	{
		name: "acknowledges another's message, in the long form",
		does: (world) =>
			acknowledged(world, (numbers) => `$JS.ACK._.${world.accountHash}.${commands}.victim-normal.${numbers}`),
	},
	{
		name: "acknowledges another's message, in the long form with a token",
		does: (world) =>
			acknowledged(
				world,
				(numbers) => `$JS.ACK._.${world.accountHash}.${commands}.victim-normal.${numbers}.x`,
			),
	},
	{
		name: "deletes another's command",
		does: (world) =>
			removes(world, commands, 'steward.command.0.victim.>', async () => {
				const { hub, api, attacker } = world;
				const { seq } = (await hub.jsm.streams.getMessage(commands, {
					last_by_subj: 'steward.command.0.victim.>',
				})) ?? { seq: 0 };
				await attacker.ask(`${api}.STREAM.MSG.DELETE.${commands}`, JSON.stringify({ seq }));
			}),
	},
	{
		name: 'purges a stream',
		does: (world) =>
			removes(world, 'STEWARD_REPORTS', 'steward.report.victim.>', () =>
				world.attacker.ask(`${world.api}.STREAM.PURGE.STEWARD_REPORTS`),
			),
	},
	...['$JS.API', 'JS.HUB'].map((prefix) => ({
		name: `purges a stream through the reply of a permitted request (${prefix})`,
		does: (world: World) =>
			removes(world, 'STEWARD_OUTPUT', 'steward.output.victim.>', async () => {
				const reply = `${prefix === 'JS.HUB' ? world.api : prefix}.STREAM.PURGE.STEWARD_OUTPUT`;
				await world.attacker.mayPublish('steward.report.ship1.a', '', { reply });
				await world.attacker.mayPublish(`${world.api}.DIRECT.GET.STEWARD_STATE.steward.state.ship1`, '', {
					reply,
				});
			}),
	})),
	{
		name: "forges another's report through the reply of a permitted request",
		does: async (world, id) => {
			const subject = `steward.report.victim.${id}-forged`;
			await world.attacker.ask('steward.state.ship1', '{"state":"succeeded"}');
			await world.attacker.mayPublish(`${world.api}.DIRECT.GET.STEWARD_STATE.steward.state.ship1`, '', {
				reply: subject,
			});
			await world.hub.nc.flush();
			return comesTrue(world, async () => (await world.count('STEWARD_REPORTS', subject)) > 0);
		},
	},
	{
		name: 'deletes a consumer',
		does: async ({ api, attacker, hub }) => {
			await attacker.ask(`${api}.CONSUMER.DELETE.STEWARD_EVENTS.victim-events`);
			const there = (await hub.jsm.consumers.list('STEWARD_EVENTS').next()).map(({ name }) => name);
			return !there.includes('victim-events');
		},
	},
	{
		name: 'makes a consumer of its own, which sends what is stored wherever it says',
		does: async ({ api, attacker, hub }, id) => {
			const config = { name: id, deliver_subject: `_INBOX.${attacker.name}.${id}`, ack_policy: 'none' };
			await attacker.ask(
				`${api}.CONSUMER.CREATE.${commands}.${id}`,
				JSON.stringify({ stream_name: commands, config }),
			);
			const there = (await hub.jsm.consumers.list(commands).next()).map(({ name }) => name);
			return there.includes(id);
		},
	},
	{
		name: 'wipes a bucket by a header, where it may write one key',
		does: (world) =>
			removes(world, 'KV_steward-nodes', '$KV.steward-nodes.victim', () =>
				world.attacker.ask('$KV.steward-nodes.ship1', 'x', { 'Nats-Rollup': 'all' }),
			),
	},
	{
		name: "lets another's entry expire by a header",
		does: async (world, id) => {
			const { attacker, hub } = world;
			const subject = `$KV.steward-ledger.victim.${id}`;
			await attacker.ask(subject, 'x', { 'Nats-TTL': '1s' });
			const last = await hub.jsm.streams.getMessage('KV_steward-ledger', { last_by_subj: subject });
			return last?.header.get('Nats-TTL') === '1s';
		},
	},
	{
		name: "claims another's command",
		does: (world, id) => stores(world, `steward.claim.victim.${id}-other`, 'STEWARD_CLAIMS'),
	},
	{
		name: 'reports in the name of another',
		does: (world, id) => stores(world, `steward.report.victim.${id}`, 'STEWARD_REPORTS'),
	},
	{
		name: 'sends an event in the name of another',
		does: (world) => stores(world, 'steward.event.central.victim.textLogging', 'STEWARD_EVENTS'),
	},
	{
		name: 'hands in a command in the name of another',
		does: (world) => stores(world, 'steward.intake.central.victim.command.shellCommand', 'STEWARD_INTAKE'),
	},
	{
		name: 'hands in a command in the name of nobody',
		does: (world) => stores(world, 'steward.intake.central._raw.command.shellCommand', 'STEWARD_INTAKE'),
	},
	{
		name: 'puts a command on a lane itself',
		does: (world, id) => stores(world, `steward.command.0.victim.normal.shellCommand.${id}-put`, commands),
	},
	{
		name: 'writes the note that tells all nodes how many shards there are',
		does: (world) => stores(world, 'steward.state._fleet', 'STEWARD_STATE'),
	},
	{
		name: "reads another's output",
		does: async ({ api, attacker }, id) =>
			saysOfVictim(await attacker.ask(`${api}.DIRECT.GET.STEWARD_OUTPUT.steward.output.victim.${id}`)) ||
			saysOfVictim(
				await attacker.ask(
					`${api}.STREAM.MSG.GET.STEWARD_OUTPUT`,
					'{"last_by_subj":"steward.output.victim.>"}',
				),
			),
	},
	{
		name: "reads another's claim under its own name, by what it asks for in the body",
		does: async ({ api, attacker }) => {
			const body = JSON.stringify({ last_by_subj: 'steward.claim.victim.*' });
			const ofStream = await attacker.ask(`${api}.DIRECT.GET.STEWARD_CLAIMS`, body);
			const ofSubject = await attacker.ask(`${api}.DIRECT.GET.STEWARD_CLAIMS.steward.claim.ship1.x`, body);
			return saysOfVictim(ofStream) || saysOfVictim(ofSubject);
		},
	},
	{
		name: 'reads a bucket',
		does: async ({ api, attacker }, id) =>
			saysOfVictim(await attacker.ask(`${api}.DIRECT.GET.KV_steward-ledger.$KV.steward-ledger.victim.${id}`)),
	},
	{
		name: 'asks what waits for whom',
		does: async ({ api, attacker }) =>
			(await attacker.ask(`${api}.STREAM.INFO.${commands}`, '{"subjects_filter":">"}'))?.includes(
				'victim',
			) === true,
	},
	{
		name: "listens to another's output as it is stored",
		does: (world, id) =>
			hears(world, 'steward.output.>', () =>
				world.hub.nc.request(`steward.output.victim.${id}`, 'of victim'),
			),
	},
	...['>', '_INBOX.>', '_INBOX.*.*', '_INBOX.victim.>'].map((subject) => ({
		name: `listens to the answers that others get (${subject})`,
		does: (world: World) =>
			hears(
				world,
				world.victim.name === 'victim' ? subject : subject.replace('victim', world.victim.name),
				() => world.victim.ask('steward.state.victim', 'of victim'),
			),
	})),
	{
		name: "listens to others' signs of life",
		does: (world) =>
			hears(world, 'steward.beat.*', async () => {
				world.victim.nc.publish('steward.beat.victim', '{}');
				await world.victim.nc.flush();
			}),
	},
];

tryEach('a ship', attacks);
