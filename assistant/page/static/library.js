// Fetches the library into its view.
"use strict";
