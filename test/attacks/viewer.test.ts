import { type Attack, removes, tryEach } from './attack.ts';
import type { World } from './world.ts';

/** The API under the name that it has for viewers, and under its own. */
async function call({ api, viewer }: World, what: string, body?: string): Promise<void> {
	for (const prefix of new Set([api, '$JS.API'])) await viewer.ask(`${prefix}.${what}`, body);
}

const byViewer: readonly Attack[] = [
	...['STREAM.PURGE.STEWARD_REPORTS', 'STREAM.DELETE.STEWARD_REPORTS'].map((what) => ({
		name: `calls ${what}`,
		does: (world: World) =>
			removes(world, 'STEWARD_REPORTS', 'steward.report.victim.>', () => call(world, what)),
	})),
	{
		name: 'purges a stream through the reply of a question',
		does: (world) =>
			removes(world, 'STEWARD_OUTPUT', 'steward.output.victim.>', async () => {
				// What is stored there has no body, which is how one asks for a purge of everything.
				const entry = 'KV_steward-presence.$KV.steward-presence.victim';
				for (const asked of ['$JS.API', world.api])
					for (const set of ['$JS.API', world.api]) {
						const reply = `${set}.STREAM.PURGE.STEWARD_OUTPUT`;
						await world.viewer.mayPublish(`${asked}.DIRECT.GET.${entry}`, '', { reply });
					}
				await world.viewer.nc.flush();
			}),
	},
	...[
		'steward.command.0.victim.normal.shellCommand.v',
		'steward.claim.victim.v',
		'$KV.steward-schedules.v',
	].map((subject) => ({
		name: `writes ${subject}`,
		does: async (world: World) => {
			const answer = await world.viewer.ask(subject, '{}');
			return answer?.includes('"seq"') === true;
		},
	})),
	{
		name: 'makes a consumer, which sends what is stored wherever it says',
		does: async (world, id) => {
			const config = {
				name: id,
				deliver_subject: 'steward.command.0.victim.normal.shellCommand.x',
				ack_policy: 'none',
			};
			const form = JSON.stringify({ stream_name: 'STEWARD_REPORTS', config });
			await call(world, `CONSUMER.CREATE.STEWARD_REPORTS.${id}`, form);
			return (await world.hub.jsm.consumers.list('STEWARD_REPORTS').next()).some(({ name }) => name === id);
		},
	},
];

tryEach('a viewer', byViewer);
