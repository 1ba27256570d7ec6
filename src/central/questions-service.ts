/**
 * Owns answering questions for as long as it runs: the subscriptions of a centre's answers.
 * Promises that after its stop nobody is answered by this centre.
 * Holds nothing that a crash could lose.
 */

import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { answerQuestions } from '../jetstream/api.ts';
import type { Connection } from '../jetstream/connection.ts';
import type { Answers } from './answers.ts';

export function questionsService(connection: Connection, answers: Answers, log: Log): Service {
	let stop: () => void = () => undefined;
	const lifecycle = new Lifecycle(
		async () => {
			const subscriptions = answerQuestions(connection, answers, log);
			stop = () => {
				for (const subscription of subscriptions) subscription.unsubscribe();
			};
		},
		async () => stop(),
	);
	return { name: 'questions', start: () => lifecycle.start(), stop: () => lifecycle.stop() };
}
