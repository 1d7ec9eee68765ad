"""May this record go to the province? The exchange specification as data, and the gate that holds records to it."""
