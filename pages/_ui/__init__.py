"""What pages share: widgets, caches, layout. The only place where streamlit and core meet."""
