/**
 * Owns the beginning of the page.
 * Promises that everything else is imported from here, and that nothing is kept in the browser but the theme and the address.
 */

import { render } from 'preact';
import { App } from './app.tsx';
import './style.css';

const root = document.getElementById('app');
if (root) render(<App />, root);
