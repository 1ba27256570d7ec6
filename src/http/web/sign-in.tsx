/**
 * Owns the way in where the server asks for a token.
 * Promises that the token leaves the page at once, for a session, whose cookie no script can read. Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import { ApiError } from './api.ts';
import { signIn } from './session.ts';
import { Banner } from './ui/banner.tsx';
import { Button } from './ui/button.tsx';
import { Copyable } from './ui/empty.tsx';
import { Field } from './ui/field.tsx';
import './pages/sign-in.css';

export function SignIn() {
	const token = useSignal('');
	const busy = useSignal(false);
	const failure = useSignal('');
	async function submit(): Promise<void> {
		if (busy.value) return;
		const given = token.value.trim();
		if (given === '') {
			failure.value = 'The token is empty: paste the one that `steward tokens add` printed.';
			return;
		}
		busy.value = true;
		failure.value = '';
		try {
			await signIn(given);
			token.value = '';
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			failure.value =
				error.code === 'unauthorized' ? 'This token is not known, or it has expired.' : error.message;
		} finally {
			busy.value = false;
		}
	}
	return (
		<div class="page sign-in">
			<form
				class="panel"
				aria-labelledby="sign-in-title"
				onSubmit={(event) => {
					event.preventDefault();
					submit();
				}}
			>
				<h1 id="sign-in-title">Sign in</h1>
				<Field label="Token" error={failure.value}>
					{(id, described) => (
						<input
							id={id}
							class="input"
							type="password"
							autoComplete="current-password"
							aria-describedby={described}
							aria-invalid={failure.value !== ''}
							value={token.value}
							onInput={(event) => {
								token.value = event.currentTarget.value;
							}}
						/>
					)}
				</Field>
				<Button kind="primary" type="submit" busy={busy.value}>
					Sign in
				</Button>
				<div class="sign-in-help">
					<p class="muted">You have none yet? On the machine of the centre:</p>
					<Copyable text="steward tokens add you --role operator" />
				</div>
			</form>
			{location.protocol === 'http:' && !isLoopback() && (
				<Banner tone="warn">
					This connection is not encrypted: whoever is on the way can read the token.
				</Banner>
			)}
		</div>
	);
}

function isLoopback(): boolean {
	return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(location.hostname);
}
