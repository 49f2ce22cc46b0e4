/* The page: hearing, and the service behind it, which a saved page has not. */

import { exported } from "ask";
import { tabs } from "tabs";
import { listen } from "listen";
import { service } from "service";

tabs(exported ? [listen] : [listen, service]);
