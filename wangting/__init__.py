"""The house itself: settings, site, clock, ledger, engine, locks, builds, releases and the command line."""
