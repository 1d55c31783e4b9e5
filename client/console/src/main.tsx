/** Entry point of the console: a page that dials, watches and controls calls. @module */
import { render } from 'preact';
import { App } from './app.tsx';
import './style/base.css';
import './style/forms.css';
import './style/page.css';
import './style/call.css';
import './style/call-list.css';
import './style/phone.css';

const root = document.getElementById('app');
if (root) render(<App />, root);
