"""What mutations take and give: inputs, payloads, and problems that have a name."""
