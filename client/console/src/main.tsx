/** The console: dial, watch and steer calls in a browser. @module */
import { render } from 'preact';
import { App } from './app.tsx';
import './style/base.css';
import './style/forms.css';
import './style/page.css';
import './style/call.css';
import './style/board.css';
import './style/phone.css';

const root = document.getElementById('app');
if (root) render(<App />, root);
