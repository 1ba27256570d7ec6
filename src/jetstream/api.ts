/**
 * Owns request and reply between clients and centres on `steward.api.*`.
 * Promises that one centre of many answers each question, and that "no centre" is told from "a slow one".
 * Nothing is kept: a question that was not answered is asked again by whoever asked.
 */

import { RequestError, type Subscription } from '@nats-io/transport-node';
import { isStewardError, messageOf, StewardError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import {
	type Answer,
	answerSchema,
	type Question,
	type QuestionName,
	questions,
} from '../domain/questions.ts';
import { subjects } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import type { Connection } from './connection.ts';
import { isNotAllowed, notAllowed } from './errors.ts';

/** A question changes nothing: one that was lost in a reconnect is asked again. */
const answerWithinMs = 2000;
const tries = 5;
const queueGroup = 'steward-centre';

/**
 * Asks one page.
 * @throws StewardError `no-centre` when none answers, or what the centre says.
 */
async function ask<Name extends QuestionName>(
	{ nc }: Connection,
	name: Name,
	question: Question<Name>,
): Promise<Extract<Answer, { ok: true }>> {
	const data = await requestAnswer(nc, subjects.api(name), JSON.stringify(question));
	const answer = decode(answerSchema, data);
	if (!answer)
		throw new StewardError(
			'no-centre',
			'the centre gave an answer that this program cannot read: is it newer?',
		);
	if (!answer.ok) throw new StewardError(answer.code, answer.message);
	return answer;
}

async function requestAnswer(nc: Connection['nc'], subject: string, question: string): Promise<Uint8Array> {
	for (let attempt = 1; ; attempt++) {
		try {
			return (await nc.request(subject, question, { timeout: answerWithinMs })).data;
		} catch (error) {
			if (isNotAllowed(error)) throw notAllowed(error);
			const none = error instanceof RequestError && error.isNoResponders();
			if (!none && attempt < tries && !nc.isClosed()) continue;
			throw new StewardError(
				'no-centre',
				none
					? 'no centre answers: lists and counts need one; start it with steward up or steward central (send, show and wait work without)'
					: 'the centre did not answer in time: is it busy, or the link bad? try again',
				{ cause: error },
			);
		}
	}
}

/** Asks page after page, up to `limit` items. The items are views of domain/view.ts, made by the centre. */
export async function askAll<Item>(
	connection: Connection,
	name: QuestionName,
	question: Omit<Question<QuestionName>, 'cursor'>,
	limit = Number.POSITIVE_INFINITY,
): Promise<Item[]> {
	const items: Item[] = [];
	let cursor: string | undefined;
	do {
		const page = await ask(connection, name, { ...question, ...(cursor ? { cursor } : {}) } as Question<
			typeof name
		>);
		items.push(...(page.items as Item[]));
		cursor = page.next ?? undefined;
	} while (cursor !== undefined && items.length < limit);
	return items.slice(0, limit);
}

export type Answerers = {
	[Name in QuestionName]: (
		question: Question<Name>,
	) => Promise<{ items: unknown[]; next: string | null; indexing: boolean }>;
};

/** Answers questions as one of the centres. */
export function answerQuestions({ nc }: Connection, answerers: Answerers, log: Log): Subscription[] {
	return (Object.keys(questions) as QuestionName[]).map((name) =>
		nc.subscribe(subjects.api(name), {
			queue: queueGroup,
			callback: (error, message) => {
				if (error) return;
				void answerOne(answerers, name, message.data)
					.catch((failure: unknown): Answer => {
						const known = isStewardError(failure);
						if (!known)
							log.error({ err: messageOf(failure), question: name }, 'a question could not be answered');
						return { ok: false, code: known ? failure.code : 'no-centre', message: messageOf(failure) };
					})
					.then((answer) => {
						const said = JSON.stringify(answer);
						const largest = nc.info?.max_payload ?? Number.POSITIVE_INFINITY;
						if (Buffer.byteLength(said) <= largest) return void message.respond(said);
						log.error({ question: name }, 'an answer is larger than a message may be');
						const words = `the answer to "${name}" is larger than a message may be: ask for less`;
						message.respond(JSON.stringify({ ok: false, code: 'refused', message: words }));
					})
					// The connection has just gone: whoever asked asks again.
					.catch((failure: unknown) =>
						log.warn({ err: messageOf(failure), question: name }, 'no answer went out'),
					);
			},
		}),
	);
}

async function answerOne<Name extends QuestionName>(
	answerers: Answerers,
	name: Name,
	data: Uint8Array,
): Promise<Answer> {
	const question = decode(questions[name] as never, data) as Question<Name> | undefined;
	if (question === undefined) throw new StewardError('invalid', `the question "${name}" cannot be read`);
	const answerer: (question: Question<Name>) => ReturnType<Answerers[QuestionName]> = answerers[name];
	return { ok: true, ...(await answerer.call(answerers, question)) };
}
