"""The process put together: settings, what a home of EchoRoutes brings, the operator's own pages, start and stop."""
